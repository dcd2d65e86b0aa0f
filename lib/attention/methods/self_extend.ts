import * as z from "../../zod.ts";
import type { Tensor } from "../../tensor/mod.ts";
import { AllTokens } from "./all_tokens.ts";
import { listOuter } from "../attend/attend.ts";
import type { Knobs } from "../knobs/knobs.ts";
import { ownKnobs, trainedContextOf, wholeNumber } from "../knobs/own_knobs.ts";
import { attendRelative } from "../attend/relative.ts";
import type { AttentionShape } from "../shape.ts";
import type { AttentionStep } from "../step.ts";

/**
 * SelfExtend (Jin et al. 2024, arXiv 2401.01325, section 3.2): distances shorter than `neighbors` are kept; farther tokens
 * are counted in groups of `group`, floor(m / G) - floor(n / G) + W - floor(W / G) for query m and key n. Contexts up to
 * (L - W) * G + W tokens keep within a trained length L.
 *
 * Own knobs: `neighbors` (W, the paper's 1,024 of 4,096: default a quarter of the trained context) and `group` (G, default 8;
 * 1 is plain attention).
 *
 * @example
 * ```ts
 * import { createMethod, resolveKnobs, SelfExtend } from "@reattention/toolkit/attention";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8, trainedContext: 512 };
 * const method = createMethod("self-extend", resolveKnobs({ own: { neighbors: 128, group: 4 } }), shape);
 * assertEquals(method.name, "self-extend");
 * const wrong = resolveKnobs({ own: { group: 0 } });
 * assertThrows(() => new SelfExtend(wrong, shape), RangeError, "group");
 * ```
 */
export class SelfExtend extends AllTokens {
  readonly #own: { neighbors: number; group: number };

  /** `knobs` are complete; `shape` tells the trained context. */
  constructor(knobs: Readonly<Knobs>, shape: AttentionShape) {
    super("self-extend", knobs);
    this.#own = ownKnobs(this.name, {
      neighbors: z._default(wholeNumber(1), Math.ceil(trainedContextOf(shape) / 4)),
      group: z._default(wholeNumber(1), 8),
    }, knobs);
  }

  /** Attends in one layer. */
  override attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    const { neighbors: near, group } = this.#own;
    return attendRelative(step, layer, queries, listOuter(step, layer), { relative: { rule: "grouped", near, group } });
  }
}
