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
 * Dual Chunk Attention (ChunkLlama, An et al. 2024, arXiv 2402.17463, section 3): the context is cut into chunks, keys stand at
 * their place in their chunk. Queries stand at theirs for keys of their own chunk, go on counting past it for those of the
 * chunk before (up to the last trained position), and at the last trained position for all earlier ones. The scaling of
 * scores that the authors' code adds to the paper is left out.
 *
 * Own knobs: `chunk` (s, default three quarters of the trained context, as in the paper) and `trained` (c, the model's).
 *
 * @example
 * ```ts
 * import { createMethod, DualChunk, resolveKnobs } from "@reattention/toolkit/attention";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8, trainedContext: 512 };
 * assertEquals(createMethod("dual-chunk", resolveKnobs(), shape).name, "dual-chunk");
 * const wrong = resolveKnobs({ own: { chunk: 512 } });
 * assertThrows(() => new DualChunk(wrong, shape), RangeError, "chunk 512 must be less than trained (512)");
 * ```
 */
export class DualChunk extends AllTokens {
  readonly #own: { chunk: number; trained: number };

  /** `knobs` are complete; `shape` tells the trained context. */
  constructor(knobs: Readonly<Knobs>, shape: AttentionShape) {
    super("dual-chunk", knobs);
    const trained = trainedContextOf(shape);
    this.#own = ownKnobs(this.name, {
      chunk: z._default(wholeNumber(1), Math.ceil(trained * 3 / 4)),
      trained: z._default(wholeNumber(1), trained),
    }, knobs);
    if (this.#own.chunk < this.#own.trained) return;
    throw new RangeError(
      `method "dual-chunk": chunk ${this.#own.chunk} must be less than trained (${this.#own.trained})`,
    );
  }

  /** Attends in one layer. */
  override attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    const { chunk, trained } = this.#own;
    const relative = { rule: "chunked", chunk, most: trained - 1 } as const;
    return attendRelative(step, layer, queries, listOuter(step, layer), { relative });
  }
}
