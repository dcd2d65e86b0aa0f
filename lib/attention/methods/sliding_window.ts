import type { Tensor } from "../../tensor/mod.ts";
import { listOuter } from "../attend/attend.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { AttentionMethod, MethodName } from "../method.ts";
import { attendRelative } from "../attend/relative.ts";
import type { AttentionStep, StepLayout, StepShape } from "../step.ts";

/**
 * A sliding window: each token attends to the last `window` tokens, its own included, and to nothing else (Longformer,
 * Beltagy et al. 2020, arXiv 2004.05150, section 3.1; the paper's 512, Mistral's 4,096, arXiv 2310.06825, here the knob's
 * default). Distances are the tokens' own.
 *
 * @example
 * ```ts
 * import { createMethod, presets, SlidingWindow } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const method = createMethod("window", presets.demo, shape);
 * const step = { length: 100_000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertInstanceOf(method, SlidingWindow);
 * assertEquals(method.scopeBound(step), presets.demo.window);
 * ```
 */
export class SlidingWindow implements AttentionMethod {
  /** The name that tables and figures show. */
  readonly name: MethodName = "window";
  /** `window` and `chunkSize` matter here. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth = "the last `window` tokens are enough; here every token stays";

  /** `knobs` are complete. */
  constructor(knobs: Readonly<Knobs>) {
    this.knobs = { ...knobs, positions: "compact" };
  }

  /** The windows of all the step's tokens. */
  layout({ length, rows }: StepShape): StepLayout {
    const windowStart = length - rows - this.knobs.window + 1;
    if (windowStart <= 0) return { mode: "full", leading: length, windowStart: length };
    return { mode: "window", leading: 0, windowStart };
  }

  /** The windows of all the step's tokens together: `window + rows - 1`. */
  scopeBound({ length, rows }: StepShape): number {
    return Math.min(length, this.knobs.window + rows - 1);
  }

  /** The window. */
  keptTokens(length: number): number {
    return Math.min(length, this.knobs.window);
  }

  /** Attends in one layer. */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    return attendRelative(step, layer, queries, listOuter(step, layer), {
      relative: { rule: "capped", near: Infinity },
      slide: this.knobs.window,
    });
  }
}
