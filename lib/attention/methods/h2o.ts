import * as z from "../../zod.ts";
import { add } from "../../tensor/mod.ts";
import { Evicting, type EvictingStep, gainOf } from "./evicting.ts";
import { keepHeaviest, type KeptVersion, partOf } from "../memory/kept_tokens.ts";
import { type Knobs, spanTokens } from "../knobs/knobs.ts";
import { ownKnobs, wholeNumber } from "../knobs/own_knobs.ts";
import type { StepShape } from "../step.ts";

/**
 * H2O, the heavy-hitter oracle (Zhang et al. 2023, arXiv 2306.14048, algorithm 1): each KV head adds up the attention that its
 * tokens got from all queries so far, and keeps the `heavy` tokens with most of it and the `recent` newest ones. Thinned
 * out after every step: a token in decoding, a chunk in prefill, whose rows still see each other. Query heads of a group
 * add their attention.
 *
 * After eviction tokens keep their own rotated positions ("h2o", as published), or are renumbered without holes by their
 * places among the kept ones ("h2o-compact", which the paper uses for endless streams).
 *
 * Own knobs: `heavy` and `recent`, the paper's halves of a budget: by default each half of the selecting methods' scope less
 * a chunk (the paper: 20 % of the context in all).
 *
 * @example
 * ```ts
 * import { createMethod, H2o, presets, resolveKnobs } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const knobs = resolveKnobs({ own: { heavy: 100, recent: 50 } }, presets.demo);
 * const method = createMethod("h2o", knobs, shape);
 * assertInstanceOf(method, H2o);
 * assertEquals([method.recent, method.keptTokens(100_000)], [50, 150]);
 * ```
 */
export class H2o extends Evicting {
  /** What stays in the cache as the context grows, in words. */
  override readonly cacheGrowth = "`heavy + recent` tokens in each KV head; others are never read again";
  readonly #own: { heavy: number; recent: number };

  /** `knobs` are complete. */
  constructor(name: "h2o" | "h2o-compact", knobs: Readonly<Knobs>) {
    super(name, { ...knobs, positions: name === "h2o" ? "original" : "compact" });
    const half = Math.max(1, Math.floor((knobs.globalSize + spanTokens(knobs) + knobs.window - knobs.chunkSize) / 2));
    const own = { heavy: z._default(wholeNumber(0), half), recent: z._default(wholeNumber(1), half) };
    this.#own = ownKnobs(name, own, knobs);
  }

  /** Newest tokens that are never evicted. */
  override get recent(): number {
    return this.#own.recent;
  }

  /** `heavy + recent` and the step's tokens. */
  override scopeBound({ length, rows }: StepShape): number {
    return Math.min(length, this.#own.heavy + this.#own.recent + rows);
  }

  /** `heavy + recent`. */
  keptTokens(length: number): number {
    return Math.min(length, this.#own.heavy + this.#own.recent);
  }

  /** The newest tokens and the heaviest of the others. */
  override keep(evicting: EvictingStep): KeptVersion[] {
    const { step, attended, counts, weights, queries, sums } = evicting;
    using gained = gainOf(evicting, queries, sums);
    using added = add(weights, gained);
    return counts.map((count, sequence) => {
      using tokens = partOf(attended.indices, sequence, count);
      using own = partOf(added, sequence, count);
      const { length: end, phase } = step.shapes[sequence];
      return { end, phase, ...keepHeaviest(tokens, own, own, { count, ...this.#own, half: 0 }) };
    });
  }
}
