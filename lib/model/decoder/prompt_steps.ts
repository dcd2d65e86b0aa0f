import type { Knobs } from "../../attention/mod.ts";

/** One step of reading a prompt. */
export interface PromptStep {
  /** Tokens of the step. */
  readonly rows: number;
  /** Whether it belongs to the first call, which attends plainly. */
  readonly first: boolean;
}

/**
 * Cuts a prompt into steps (ALGORITHM section 7): the first call fills what plain attention may hold, the rest goes in chunks.
 *
 * The first call is itself read in chunks: all of it is plain attention, so the cut changes nothing but keeps steps short.
 *
 * @param tokens tokens to read now
 * @param cached tokens read before; with any, there is no first call
 *
 * @example
 * ```ts
 * import { presets, resolveKnobs } from "@reattention/toolkit/attention";
 * import { promptSteps } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const knobs = resolveKnobs({ globalSize: 8, window: 64, chunkSize: 32 }, presets.demo);
 * const steps = promptSteps(100, 0, knobs);
 * assertEquals(steps.map(({ rows }) => rows), [32, 32, 8, 28]);
 * assertEquals(steps.map(({ first }) => first), [true, true, true, false]);
 * ```
 */
export function promptSteps(tokens: number, cached: number, knobs: Readonly<Knobs>): PromptStep[] {
  const firstCall = cached === 0 ? Math.min(tokens, firstCallLength(tokens, knobs)) : 0;
  const steps: PromptStep[] = [];
  for (let done = 0; done < tokens;) {
    const first = done < firstCall;
    const rows = Math.min(knobs.chunkSize, (first ? firstCall : tokens) - done);
    steps.push({ rows, first });
    done += rows;
  }
  return steps;
}

function firstCallLength(tokens: number, { globalSize, window, align }: Readonly<Knobs>): number {
  const plain = globalSize + window;
  if (align === 0) return plain;
  const beyond = ((tokens - plain) % align + align) % align;
  return plain - (align - beyond);
}
