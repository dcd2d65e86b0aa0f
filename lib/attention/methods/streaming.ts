import type { Tensor } from "../../tensor/mod.ts";
import { attendOuter } from "../attend/attend.ts";
import type { Knobs } from "../knobs/knobs.ts";
import { type AttentionMethod, type MethodName, stepKnobs } from "../method.ts";
import { outerLayout } from "../attend/outer_layout.ts";
import type { AttentionStep, StepLayout, StepShape } from "../step.ts";

/**
 * Sinks and window: the first `globalSize` and the last `window` tokens, renumbered without holes
 * (StreamingLLM, Xiao et al. 2023, arXiv 2309.17453). What lies between is out of reach.
 *
 * @example
 * ```ts
 * import { createMethod, presets, StreamingAttention } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const method = createMethod("streaming", presets.demo, shape);
 * const step = { length: 100_000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertInstanceOf(method, StreamingAttention);
 * assertEquals(method.scopeBound(step), 32 + 256); // sinks and window
 * ```
 */
export class StreamingAttention implements AttentionMethod {
  /** The name that tables and figures show. */
  readonly name: MethodName = "streaming";
  /** `globalSize`, `window`, `chunkSize` and `positions` matter here. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth = "every token stays here, though only sinks and window are attended to";

  /** `knobs` are complete. */
  constructor(knobs: Readonly<Knobs>) {
    this.knobs = knobs;
  }

  /** Leading tokens and window. */
  layout(step: StepShape): StepLayout {
    return outerLayout(step, this.knobs);
  }

  /** `globalSize + window` at most. */
  scopeBound(step: StepShape): number {
    return Math.min(step.length, this.knobs.globalSize + this.knobs.window);
  }

  /** Sinks and window. */
  keptTokens(length: number): number {
    return Math.min(length, this.knobs.globalSize + this.knobs.window);
  }

  /** How the context is cut into steps, and positions. */
  prefillKey(): string {
    return JSON.stringify([this.name, { ...stepKnobs(this.knobs), positions: this.knobs.positions }]);
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
