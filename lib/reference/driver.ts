import type { ReferenceKnobs } from "./knobs.ts";

/** The steps that read a prompt up to its last token. */
export interface PromptChunks {
  /** Tokens of the first call, which attends plainly. */
  readonly first: number;
  /** Tokens of each step after it; the last may be shorter than `chunkSize`. */
  readonly chunks: readonly number[];
}

/**
 * Cuts a prompt into steps (ALGORITHM section 7). The last prompt token is left over: it is run as the first decode step.
 *
 * @param promptTokens tokens of the prompt, at least 1
 * @param knobs `globalSize`, `window`, `align` and `chunkSize` matter
 * @returns lengths of the steps, `promptTokens - 1` together
 * @throws {RangeError} if `promptTokens` is not a whole number of at least 1.
 *
 * @example
 * ```ts
 * import { completeKnobs, promptChunks } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const knobs = completeKnobs({ globalSize: 8, window: 64, chunkSize: 16 });
 * assertEquals(promptChunks(101, knobs), { first: 72, chunks: [16, 12] });
 * ```
 */
export function promptChunks(
  promptTokens: number,
  { globalSize, window, align, chunkSize }: Pick<ReferenceKnobs, "globalSize" | "window" | "align" | "chunkSize">,
): PromptChunks {
  if (!Number.isInteger(promptTokens) || promptTokens < 1) {
    throw new RangeError(`promptChunks: ${promptTokens} prompt tokens; it must be a whole number of at least 1`);
  }
  const prefilled = promptTokens - 1;
  const plain = globalSize + window;
  // The remainder is the mathematical one, never negative; JavaScript's takes the sign of a short prompt.
  const beyond = align === 0 ? 0 : ((prefilled - plain) % align + align) % align;
  const first = Math.min(prefilled, align === 0 ? plain : plain - (align - beyond));
  const chunks: number[] = [];
  for (let done = first; done < prefilled; done += chunkSize) chunks.push(Math.min(chunkSize, prefilled - done));
  return { first, chunks };
}
