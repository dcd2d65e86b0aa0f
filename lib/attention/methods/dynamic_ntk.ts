import * as z from "../../zod.ts";
import type { Tensor } from "../../tensor/mod.ts";
import { AllTokens } from "./all_tokens.ts";
import { attendOuter } from "../attend/attend.ts";
import type { Knobs } from "../knobs/knobs.ts";
import { numberFrom, ownKnobs, trainedContextOf, wholeNumber } from "../knobs/own_knobs.ts";
import type { AttentionShape } from "../shape.ts";
import type { AttentionStep } from "../step.ts";

/**
 * Dynamic NTK scaling, as written down in YaRN (Peng et al. 2023, arXiv 2309.00071, equation 16 and section 3.3): the base of
 * the rotary frequencies grows with the context, by `s ** (d / (d - 2))` for s = length / trained length, so that the
 * slowest pair is interpolated by s and the fastest not at all. Up to the trained length nothing changes. The cache holds keys
 * before rotation, so all keys of a step are turned with the step's own base, as the paper asks for.
 *
 * Own knobs: `trained`, tokens up to which nothing changes; default the model's trained context. `factor` f makes
 * s = f length / trained - (f - 1), as Hugging Face's "dynamic" scaling with that factor; default 1.
 *
 * @example
 * ```ts
 * import { createMethod, DynamicNtk, resolveKnobs } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const knobs = resolveKnobs({ own: { trained: 512 } });
 * const method = createMethod("ntk", knobs, shape);
 * const step = { length: 100_000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertInstanceOf(method, DynamicNtk);
 * assertEquals(method.scopeBound(step), 100_000); // positions are stretched, no token is left out
 * ```
 */
export class DynamicNtk extends AllTokens {
  readonly #trained: number;
  readonly #factor: number;

  /** `knobs` are complete; `shape` tells the trained context. */
  constructor(knobs: Readonly<Knobs>, shape: AttentionShape) {
    super("ntk", knobs);
    const fields = {
      trained: z._default(wholeNumber(1), trainedContextOf(shape)),
      factor: z._default(numberFrom(1), 1),
    };
    const { trained, factor } = ownKnobs(this.name, fields, knobs);
    this.#trained = trained;
    this.#factor = factor;
  }

  /** Attends in one layer. */
  override attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    const { lengths } = step.context.cache;
    const stretch = Math.max(...lengths) / this.#trained;
    const scale = stretch <= 1 ? 1 : this.#factor * stretch - (this.#factor - 1);
    if (scale > 1 && new Set(lengths).size > 1) {
      throw new RangeError(
        `method "ntk": contexts of ${
          lengths.join(", ")
        } tokens stretch positions differently; a batch must hold equally long ones`,
      );
    }
    if (scale <= 1) return attendOuter(step, layer, queries);
    const table = step.context.rotation.scaled(
      this.name,
      `${scale}`,
      (frequencies) => ntkFrequencies(frequencies, scale),
    );
    return attendOuter(step, layer, queries, table);
  }
}

/** Frequencies of a base that grew by `scale ** (d / (d - 2))`: pair i of d / 2 slows down by `scale ** (2 i / (d - 2))`. */
function ntkFrequencies(frequencies: Float32Array, scale: number): Float32Array {
  // Pairs that don't rotate have no frequency, and no say.
  const pairs = frequencies.filter((frequency) => frequency > 0).length;
  return frequencies.map((frequency, pair) => frequency * scale ** (-pair / Math.max(1, pairs - 1)));
}
