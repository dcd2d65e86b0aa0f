import { concat, slice, type Tensor } from "../tensor/mod.ts";

/** Rows kept beyond those asked for, so that as many tokens can be dropped from the cache again. */
const SPARE = 64;

interface Kept {
  /** Queries of the newest tokens, f32 [batch, rows, query heads, head size]. */
  readonly queries: Tensor;
  /** Tokens cached when the last of them was added. */
  readonly end: number;
}

/**
 * The last queries that each layer has seen, for methods that let them vote again (the reference's q_cache_len). Forks share
 * what they have: nothing is written in place.
 */
export class RecentQueries {
  readonly #layers: (Kept | undefined)[] = [];

  /**
   * Adds a step's queries. Those of tokens that were dropped from the cache since then are forgotten.
   *
   * @param queries f32 [batch, rows, query heads, head size], before rotation
   * @param length tokens cached, the step's own included
   * @param count queries that will be asked for
   */
  add(layer: number, queries: Tensor, length: number, count: number): void {
    const before = this.#layers[layer];
    const start = length - queries.shape[1];
    const usable = before ? before.queries.shape[1] - Math.max(0, before.end - start) : 0;
    this.#layers[layer] = {
      queries: joined(before?.queries, Math.max(0, usable), queries, count + SPARE),
      end: length,
    };
    before?.queries[Symbol.dispose]();
  }

  /** The last `count` queries of a layer, or as many as there were; the caller disposes them. */
  last(layer: number, count: number): Tensor {
    const kept = this.#layers[layer];
    if (!kept) throw new RangeError(`recent queries: layer ${layer} has seen none`);
    return lastRows(kept.queries, Math.min(count, kept.queries.shape[1]), kept.queries.shape[1]);
  }

  /** The same queries, going their own way. */
  fork(): RecentQueries {
    const fork = new RecentQueries();
    this.#layers.forEach((kept, layer) => {
      if (kept) fork.#layers[layer] = { queries: kept.queries.share(), end: kept.end };
    });
    return fork;
  }

  /** Gives the queries' buffers back. */
  [Symbol.dispose](): void {
    for (const kept of this.#layers) kept?.queries[Symbol.dispose]();
    this.#layers.length = 0;
  }
}

/** The first `usable` rows of the old queries and all new ones; of both together the last `most`. */
function joined(old: Tensor | undefined, usable: number, queries: Tensor, most: number): Tensor {
  const rows = queries.shape[1];
  const kept = Math.min(usable, Math.max(0, most - rows));
  if (!old || kept === 0) return lastRows(queries, Math.min(rows, most), rows);
  using before = lastRows(old, kept, usable);
  return concat([before, queries], 1);
}

/** The last `count` of a tensor's first `end` rows. */
function lastRows(x: Tensor, count: number, end: number): Tensor {
  const [batch, , heads, size] = x.shape;
  return slice(x, [0, end - count, 0, 0], [batch, count, heads, size]);
}
