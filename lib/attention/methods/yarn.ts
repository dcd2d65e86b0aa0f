import * as z from "../../zod.ts";
import { scale, type Tensor } from "../../tensor/mod.ts";
import { AllTokens } from "./all_tokens.ts";
import { attendOuter } from "../attend/attend.ts";
import type { Knobs } from "../knobs/knobs.ts";
import { numberFrom, ownKnobs, trainedContextOf, wholeNumber } from "../knobs/own_knobs.ts";
import type { AttentionShape } from "../shape.ts";
import type { AttentionStep } from "../step.ts";

/**
 * YaRN (Peng et al. 2023, arXiv 2309.00071, section 3.2 and 3.4): pairs of channels that turn fewer than `alpha` times within
 * the trained length are interpolated by `factor`, those that turn more than `beta` times are kept, those between blended;
 * scores are sharpened by (0.1 ln(factor) + 1) squared. The paper then tunes the model, which is not done here.
 *
 * Own knobs: `factor` (s, default 16, the paper's first), `alpha` (1) and `beta` (32), `trained` (L, the model's).
 *
 * @example
 * ```ts
 * import { createMethod, resolveKnobs, Yarn } from "@reattention/toolkit/attention";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8, trainedContext: 512 };
 * const method = createMethod("yarn", resolveKnobs({ own: { factor: 4 } }), shape);
 * assertEquals(method.name, "yarn");
 * const wrong = resolveKnobs({ own: { alpha: 32, beta: 1 } });
 * assertThrows(() => new Yarn(wrong, shape), RangeError, "beta 1 must be more than alpha");
 * ```
 */
export class Yarn extends AllTokens {
  readonly #own: { factor: number; alpha: number; beta: number; trained: number };

  /** `knobs` are complete; `shape` tells the trained context. */
  constructor(knobs: Readonly<Knobs>, shape: AttentionShape) {
    super("yarn", knobs);
    this.#own = ownKnobs(this.name, {
      factor: z._default(numberFrom(1), 16),
      alpha: z._default(numberFrom(0), 1),
      beta: z._default(numberFrom(0), 32),
      trained: z._default(wholeNumber(1), trainedContextOf(shape)),
    }, knobs);
    const { alpha, beta } = this.#own;
    if (beta <= alpha) throw new RangeError(`method "yarn": beta ${beta} must be more than alpha (${alpha})`);
  }

  /** Attends in one layer. */
  override attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    const key = Object.values(this.#own).join(" ");
    const table = step.context.rotation.scaled(this.name, key, (frequencies) => {
      return frequencies.map((frequency) => this.#blend(frequency));
    });
    // The paper scales queries and keys alike; scores only see the product.
    using sharper = scale(queries, (0.1 * Math.log(this.#own.factor) + 1) ** 2);
    return attendOuter(step, layer, sharper, table);
  }

  #blend(frequency: number): number {
    const { factor, alpha, beta, trained } = this.#own;
    const turns = trained * frequency / (2 * Math.PI);
    const kept = Math.min(1, Math.max(0, (turns - alpha) / (beta - alpha)));
    return (1 - kept) * frequency / factor + kept * frequency;
  }
}
