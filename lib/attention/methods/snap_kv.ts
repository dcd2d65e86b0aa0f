import * as z from "../../zod.ts";
import { Tensor } from "../../tensor/mod.ts";
import { Evicting, type EvictingStep, gainOf, PLAIN } from "./evicting.ts";
import { keepHeaviest, type KeptVersion, partOf } from "../memory/kept_tokens.ts";
import { type Knobs, spanTokens } from "../knobs/knobs.ts";
import { ownKnobs, wholeNumber } from "../knobs/own_knobs.ts";
import { lastQueries, rememberQueries } from "../memory/recent_queries.ts";
import { runRelative } from "../attend/relative.ts";
import type { StepShape } from "../step.ts";

/**
 * SnapKV (Li et al. 2024, arXiv 2404.14469): when the prompt has been read, its last `observed` queries say by their attention
 * which earlier tokens are kept, `capacity` in all, each KV head its own; neighbours within `kernel` tokens share their
 * weight, by maximum. What is written afterwards stays. Query heads of a group add their attention.
 *
 * "snapkv" is as published: the prompt is read with full attention, and tokens keep their own rotated positions after eviction.
 * The last prompt token is the first decode step here; it still sees everything, and eviction follows it. "snapkv-compact", a
 * variant, also thins out after every chunk of the prompt and whenever a chunk was written, and renumbers what is kept
 * without holes.
 *
 * Own knobs: `capacity` (default the selecting methods' scope less two chunks; the paper tries 1,024 to 4,096), `observed` (the
 * paper's 32) and `kernel` (odd; the paper's 7).
 *
 * @example
 * ```ts
 * import { createMethod, presets, resolveKnobs, SnapKv } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const knobs = resolveKnobs({ own: { capacity: 200, observed: 16 } }, presets.demo);
 * const method = createMethod("snapkv", knobs, shape);
 * assertInstanceOf(method, SnapKv);
 * assertEquals([method.recent, method.keptTokens(100_000)], [16, 200]);
 * assertThrows(() => new SnapKv("snapkv", resolveKnobs({ own: { kernel: 4 } })), RangeError, "must be odd");
 * ```
 */
export class SnapKv extends Evicting {
  /** What stays in the cache as the context grows, in words. */
  override readonly cacheGrowth =
    "`capacity` tokens in each KV head once the prompt was read, and what is written after it";
  readonly #own: { capacity: number; observed: number; kernel: number };

  /** `knobs` are complete. */
  constructor(name: "snapkv" | "snapkv-compact", knobs: Readonly<Knobs>) {
    super(name, { ...knobs, positions: name === "snapkv" ? "original" : "compact" });
    const room = Math.max(1, knobs.globalSize + spanTokens(knobs) + knobs.window - 2 * knobs.chunkSize);
    this.#own = ownKnobs(name, {
      capacity: z._default(wholeNumber(1), room),
      observed: z._default(wholeNumber(1), Math.min(32, room)),
      kernel: z._default(wholeNumber(1), 7),
    }, knobs);
    const { capacity, observed, kernel } = this.#own;
    if (observed > capacity) {
      throw new RangeError(`method "${name}": observed ${observed} must be at most capacity (${capacity})`);
    }
    if (kernel % 2 === 0) throw new RangeError(`method "${name}": kernel ${kernel} must be odd`);
  }

  /** Newest tokens that are never evicted: those that observe. */
  override get recent(): number {
    return this.#own.observed;
  }

  /** All tokens, as published; `capacity`, a chunk that was written, and the step's tokens, compact. */
  override scopeBound({ length, rows }: StepShape): number {
    if (this.name === "snapkv") return length;
    return Math.min(length, this.#own.capacity + this.knobs.chunkSize + rows);
  }

  /** `capacity`, and what is written after the prompt. */
  keptTokens(length: number): number {
    return Math.min(length, this.#own.capacity);
  }

  /** What the last queries attended to, where the prompt ends (or a chunk, compact); otherwise everything. */
  override keep(evicting: EvictingStep): KeptVersion[] {
    const { step, layer, queries, attended, counts, before } = evicting;
    const { sequences } = step.context.cache;
    const { capacity, observed, kernel } = this.#own;
    rememberQueries(sequences, layer, queries, observed);
    const evicts = counts.map((count, sequence) => {
      const { phase } = step.shapes[sequence];
      const ends = phase === "decode" && before[sequence].phase !== "decode";
      if (count <= capacity || ends) return ends && count > capacity;
      return this.name === "snapkv-compact" && (phase === "prefill" || count >= capacity + this.knobs.chunkSize);
    });
    using gained = evicts.includes(true) ? this.#observe(evicting, evicts) : undefined;
    return counts.map((count, sequence) => {
      const { length: end, phase } = step.shapes[sequence];
      const tokens = partOf(attended.indices, sequence, count);
      const weights = partOf(gained ?? evicting.weights, sequence, count);
      if (!evicts[sequence]) return { end, phase, count, tokens, weights };
      using allTokens = tokens;
      using allWeights = weights;
      const keeping = { count, recent: observed, heavy: capacity - observed, half: (kernel - 1) / 2 };
      return { end, phase, ...keepHeaviest(allTokens, allWeights, allWeights, keeping) };
    });
  }

  #observe(evicting: EvictingStep, evicts: readonly boolean[]): Tensor {
    const { step, layer, attended } = evicting;
    using last = lastQueries(step.context.cache.sequences, layer, this.#own.observed, evicts);
    const { output, sums, keys } = runRelative(step, layer, last, attended, PLAIN);
    const gained = gainOf(evicting, last, sums);
    for (const tensor of [output, sums, keys]) tensor[Symbol.dispose]();
    return gained;
  }
}
