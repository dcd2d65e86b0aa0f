import type { Tensor } from "../../tensor/mod.ts";
import { listOuter } from "../attend/attend.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { AttentionMethod, MethodName } from "../method.ts";
import { attendRelative } from "../attend/relative.ts";
import type { AttentionStep, StepLayout, StepShape } from "../step.ts";

/**
 * LM-Infinite (Han et al. 2023, arXiv 2308.16137): a mask in the shape of the letter Lambda (the first `globalSize` tokens,
 * the paper's 10 to 100, and the last `window`, the paper's trained length), and no distance longer than `window`. Its
 * optional re-introduction of middle tokens (section 4.2) is left out; that is what the selecting methods are for.
 *
 * @example
 * ```ts
 * import { createMethod, LmInfinite, presets } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const method = createMethod("lm-infinite", presets.demo, shape);
 * assertInstanceOf(method, LmInfinite);
 * assertEquals(method.keptTokens(100_000), 32 + 256);
 * ```
 */
export class LmInfinite implements AttentionMethod {
  /** The name that tables and figures show. */
  readonly name: MethodName = "lm-infinite";
  /** `globalSize`, `window` and `chunkSize` matter here. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth = "the first `globalSize` and the last `window` tokens are enough; here every token stays";

  /** `knobs` are complete. */
  constructor(knobs: Readonly<Knobs>) {
    this.knobs = { ...knobs, positions: "original" };
  }

  /** Leading tokens, and the windows of all the step's tokens. */
  layout({ length, rows }: StepShape): StepLayout {
    const { globalSize, window } = this.knobs;
    const windowStart = length - rows - window + 1;
    if (windowStart <= globalSize) return { mode: "full", leading: length, windowStart: length };
    return { mode: "window", leading: globalSize, windowStart };
  }

  /** `globalSize + window + rows - 1` at most. */
  scopeBound({ length, rows }: StepShape): number {
    return Math.min(length, this.knobs.globalSize + this.knobs.window + rows - 1);
  }

  /** Leading tokens and window. */
  keptTokens(length: number): number {
    return Math.min(length, this.knobs.globalSize + this.knobs.window);
  }

  /** Attends in one layer. */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    const { globalSize, window } = this.knobs;
    return attendRelative(step, layer, queries, listOuter(step, layer), {
      relative: { rule: "capped", near: window },
      slide: window,
      leading: globalSize,
    });
  }
}
