import type { Tensor } from "../../tensor/mod.ts";
import { attendOuter } from "../attend/attend.ts";
import type { Knobs } from "../knobs/knobs.ts";
import { type AttentionMethod, type MethodName, stepKnobs } from "../method.ts";
import type { AttentionStep, StepLayout, StepShape } from "../step.ts";

/**
 * Ordinary causal attention over the whole cache: exact up to the trained context, and what collapses past it.
 *
 * @example
 * ```ts
 * import { createMethod, FullAttention, presets } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const method = createMethod("full", presets.demo, shape);
 * const step = { length: 100_000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertInstanceOf(method, FullAttention);
 * assertEquals(method.scopeBound(step), 100_000); // every token, however many
 * ```
 */
export class FullAttention implements AttentionMethod {
  /** The name that tables and figures show. */
  readonly name: MethodName = "full";
  /** Only `chunkSize` and `allowBeyondTrained` matter here. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth = "every token stays, and every token is attended to";

  /** `knobs` are complete. */
  constructor(knobs: Readonly<Knobs>) {
    // Compact positions would be the same as the tokens' own, but under an intervention that leaves some of them out.
    this.knobs = { ...knobs, positions: "original" };
  }

  /** All tokens. */
  layout(step: StepShape): StepLayout {
    return { mode: "full", leading: step.length, windowStart: step.length };
  }

  /** The length itself. */
  scopeBound(step: StepShape): number {
    return step.length;
  }

  /** How the context is cut into steps. */
  prefillKey(): string {
    return JSON.stringify([this.name, stepKnobs(this.knobs)]);
  }

  /** In every step. */
  onlyAttends(): boolean {
    return true;
  }

  /** Attends in one layer. */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    return attendOuter(step, layer, queries);
  }
}
