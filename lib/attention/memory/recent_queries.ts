import * as z from "../../zod.ts";
import { concat, slice, Tensor } from "../../tensor/mod.ts";
import { factsOf, savedCount, type SavedState } from "./saved_state.ts";

/** Rows kept beyond those asked for, so that as many tokens can be dropped from the cache again. */
const SPARE = 64;

interface Kept {
  /** Queries of the newest tokens, f32 [batch, rows, query heads, head size]. */
  readonly queries: Tensor;
  /** Tokens cached when the last of them was added. */
  readonly end: number;
}

const savedQueries = z.array(z.object({ layer: savedCount, end: savedCount }));

/**
 * The last queries that each layer has seen, for methods that let them vote again (the reference's q_cache_len). Forks share
 * what they have: nothing is written in place.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import { RecentQueries } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using recent = new RecentQueries();
 * using queries = Tensor.from(device, new Float32Array([1, 2, 3, 4, 5, 6]), [1, 3, 1, 2]); // three tokens, one head
 * recent.add(0, queries, 3, 2);
 * using last = recent.last(0, 2);
 * assertEquals([...await last.read()], [3, 4, 5, 6]);
 * ```
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

  /** Bytes of all layers' queries. */
  get bytes(): number {
    return this.#layers.reduce((sum, kept) => sum + (kept?.queries.bytes ?? 0), 0);
  }

  /** The same queries, going their own way. */
  fork(): RecentQueries {
    const fork = new RecentQueries();
    this.#layers.forEach((kept, layer) => {
      if (kept) fork.#layers[layer] = { queries: kept.queries.share(), end: kept.end };
    });
    return fork;
  }

  /** What it holds, for a file. */
  save(): SavedState {
    const layers = [...this.#layers.keys()].filter((layer) => this.#layers[layer]);
    const facts: z.infer<typeof savedQueries> = layers.map((layer) => ({ layer, end: this.#layers[layer]!.end }));
    return { facts, tensors: layers.map((layer) => this.#layers[layer]!.queries.share()) };
  }

  /** The queries that were saved; takes the state over. */
  static restore({ facts, tensors }: SavedState): RecentQueries {
    const recent = new RecentQueries();
    factsOf("saved queries", facts, savedQueries).forEach(({ layer, end }, index) => {
      recent.#layers[layer] = { queries: tensors[index], end };
    });
    return recent;
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

/** A sequence and the queries that its layers have seen. */
export interface QueriedSequence {
  /** Tokens cached, the step's own included. */
  readonly length: number;
  /** Its queries. */
  readonly recentQueries: RecentQueries;
}

/** Adds a step's queries, f32 [batch, rows, query heads, head size], to those of each sequence. */
export function rememberQueries(
  sequences: readonly QueriedSequence[],
  layer: number,
  queries: Tensor,
  count: number,
): void {
  const [, ...rest] = queries.shape;
  sequences.forEach(({ recentQueries, length }, index) => {
    using own = sequences.length === 1 ? queries.share() : slice(queries, [index, 0, 0, 0], [1, ...rest]);
    recentQueries.add(layer, own, length, count);
  });
}

/**
 * The last `count` queries of each sequence (or as many as all have seen), f32 [batch, rows, query heads, head size]; the
 * caller disposes them.
 *
 * @param votes which sequences' queries will vote; those of others can be anything
 * @throws {RangeError} where voting sequences have seen different numbers of queries, fewer than `count`.
 */
export function lastQueries(
  sequences: readonly QueriedSequence[],
  layer: number,
  count: number,
  votes: readonly boolean[],
): Tensor {
  const parts = sequences.map(({ recentQueries }) => recentQueries.last(layer, count));
  try {
    if (parts.length === 1) return parts[0].share();
    const rows = parts.map(({ shape }) => shape[1]);
    const voting = new Set(rows.filter((_, index) => votes[index]));
    if (voting.size > 1) {
      throw new RangeError(
        `queryCacheLength ${count}: the sequences of this batch have seen ${rows.join(", ")} queries; ` +
          "all must have seen as many as that, or equally many",
      );
    }
    const wanted = voting.size ? [...voting][0] : Math.max(...rows);
    parts.forEach((part, index) => parts[index] = fitRows(part, wanted));
    return concat(parts, 0);
  } finally {
    for (const part of parts) part[Symbol.dispose]();
  }
}

/** The last `rows` rows, zeros before them where there are fewer; takes `x` over. */
function fitRows(x: Tensor, rows: number): Tensor {
  const [batch, has, heads, size] = x.shape;
  if (has === rows) return x;
  using queries = x;
  if (has > rows) return lastRows(queries, rows, has);
  using zeros = Tensor.zeros(x.device, [batch, rows - has, heads, size], "f32", "missing queries");
  return concat([zeros, queries], 1);
}
