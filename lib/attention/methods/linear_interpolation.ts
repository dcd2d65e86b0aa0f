import * as z from "../../zod.ts";
import type { Tensor } from "../../tensor/mod.ts";
import { AllTokens } from "./all_tokens.ts";
import { attendOuter } from "../attend/attend.ts";
import type { Knobs } from "../knobs/knobs.ts";
import { numberFrom, ownKnobs } from "../knobs/own_knobs.ts";
import type { AttentionStep } from "../step.ts";

/**
 * Linear position interpolation (Chen et al. 2023, arXiv 2306.15595, equation 4): every position is divided by `factor`, so
 * that a context `factor` times as long keeps within the trained positions. The paper then tunes the model, which is not
 * done here. Own knob: `factor`, default 8 (the paper's 2,048 to 16,384 tokens).
 *
 * @example
 * ```ts
 * import { createMethod, LinearInterpolation, resolveKnobs } from "@reattention/toolkit/attention";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const knobs = resolveKnobs({ own: { factor: 4 } });
 * assertEquals(createMethod("linear", knobs, shape).name, "linear");
 * const wrong = resolveKnobs({ own: { factor: 0.5 } });
 * assertThrows(() => new LinearInterpolation(wrong), RangeError, "factor");
 * ```
 */
export class LinearInterpolation extends AllTokens {
  readonly #factor: number;

  /** `knobs` are complete. */
  constructor(knobs: Readonly<Knobs>) {
    super("linear", knobs);
    this.#factor = ownKnobs(this.name, { factor: z._default(numberFrom(1), 8) }, knobs).factor;
  }

  /** Attends in one layer. */
  override attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    const table = step.context.rotation.scaled(this.name, `${this.#factor}`, (frequencies) => {
      return frequencies.map((frequency) => frequency / this.#factor);
    });
    return attendOuter(step, layer, queries, table);
  }
}
