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
 * ReRoPE and Leaky ReRoPE (Su 2023, kexue.fm/archives/9708; published there, not as a paper): distances shorter than `near`
 * are kept; farther ones stop at `near`, or, leaky, grow by 1 / `leak` a token from there.
 *
 * Own knobs: `near` (w, default half the trained context, the article's 256 of 512) and, leaky, `leak` (k, the article's 16).
 *
 * @example
 * ```ts
 * import { createMethod, ReRope, resolveKnobs } from "@reattention/toolkit/attention";
 * import { assertInstanceOf, assertThrows } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8, trainedContext: 512 };
 * const method = createMethod("leaky-rerope", resolveKnobs({ own: { near: 256, leak: 16 } }), shape);
 * assertInstanceOf(method, ReRope);
 * // Without a leak there is no such knob.
 * assertThrows(() => createMethod("rerope", resolveKnobs({ own: { leak: 16 } }), shape), RangeError, "leak");
 * ```
 */
export class ReRope extends AllTokens {
  readonly #near: number;
  readonly #leak: number | undefined;

  /** `knobs` are complete; `shape` tells the trained context. */
  constructor(name: "rerope" | "leaky-rerope", knobs: Readonly<Knobs>, shape: AttentionShape) {
    super(name, knobs);
    const near = z._default(wholeNumber(1), Math.ceil(trainedContextOf(shape) / 2));
    if (name === "rerope") {
      this.#near = ownKnobs(name, { near }, knobs).near;
    } else {
      const own = ownKnobs(name, { near, leak: z._default(wholeNumber(1), 16) }, knobs);
      this.#near = own.near;
      this.#leak = own.leak;
    }
  }

  /** Attends in one layer. */
  override attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    const relative = { rule: "capped", near: this.#near, leak: this.#leak } as const;
    return attendRelative(step, layer, queries, listOuter(step, layer), { relative });
  }
}
