import { heaviest, range } from "./block_input.ts";
import { type Dense, dense } from "./dense.ts";
import { attendPairs, type PairAttention } from "./pair_attention.ts";
import { slice } from "./rearrange.ts";

/** How a method evicts. */
export interface EvictionKnobs {
  /** H2O adds up all attention and thins out in each step; SnapKV weighs by the last queries, once or in each chunk. */
  readonly method: "h2o" | "snapkv";
  /** Positions after eviction: the tokens' own, or renumbered; SnapKV thins out in each chunk where they are compact. */
  readonly positions: "original" | "compact";
  /** Newest tokens that stay. */
  readonly recent: number;
  /** Others that stay. */
  readonly heavy: number;
  /** SnapKV: tokens whose weights are pooled by maximum; odd. */
  readonly kernel?: number;
  /** SnapKV with compact positions: tokens written after which it thins out again. Default: never. */
  readonly chunk?: number;
  /** Rotary frequencies. */
  readonly frequencies: ArrayLike<number>;
}

/** What a step's queries, and all tokens so far, look like; before rotation. */
export interface EvictionInput {
  /** Queries of all tokens so far, [query heads, N, d]. */
  readonly queries: Dense;
  /** [KV heads, N, d]. */
  readonly keys: Dense;
  /** [KV heads, N, d]. */
  readonly values: Dense;
  /** Tokens of the step: the last ones. */
  readonly rows: number;
  /** Whether the step reads the prompt or writes the answer. */
  readonly phase: "prefill" | "decode";
}

/**
 * One layer of H2O (arXiv 2306.14048, algorithm 1) or SnapKV (arXiv 2404.14469, listing 1) in plain loops: each KV head keeps
 * a list of tokens, attends to it and to the step's own, and then thins it out.
 *
 * @example One recent and one heavy token are kept
 * ```ts
 * import { dense, ReferenceEviction } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const knobs = { method: "h2o", positions: "compact", recent: 1, heavy: 1, frequencies: [0] } as const;
 * const layer = new ReferenceEviction(knobs);
 * const keys = dense([0, 0, 9, 0, 0, 0], [1, 3, 2]);
 * const queries = dense([1, 0, 1, 0, 1, 0], [1, 3, 2]);
 * layer.step({ queries, keys, values: keys, rows: 3, phase: "prefill" });
 * assertEquals(layer.kept, [[1, 2]]);
 * ```
 */
export class ReferenceEviction {
  /** Tokens kept after the last step, in each KV head. */
  kept: number[][] = [];
  readonly #knobs: EvictionKnobs;
  #weights: Map<number, number>[] = [];
  #end = 0;
  #phase: "prefill" | "decode" | undefined;

  /** Nothing is kept yet. */
  constructor(knobs: EvictionKnobs) {
    this.#knobs = knobs;
  }

  /** Attends to what is kept and to the step's tokens, then evicts; also tells what was attended to. */
  step(input: EvictionInput): PairAttention & { lists: number[][] } {
    const { queries, keys, rows, phase } = input;
    const [queryHeads, length, size] = queries.shape;
    const heads = keys.shape[0];
    const lists = range(0, heads).map((head) => [...this.kept[head] ?? [], ...range(this.#end, length)]);
    const own = slice(queries, [0, length - rows, 0], [queryHeads, rows, size]);
    const attention = this.#attend(input, own, lists);
    const { method, positions, recent, heavy, kernel = 1, chunk = Infinity } = this.#knobs;
    const ends = phase === "decode" && this.#phase !== "decode";
    const thins = method === "h2o" || ends ||
      (positions === "compact" && (phase === "prefill" || lists[0].length >= heavy + recent + chunk));
    let weights = this.#weights;
    if (method === "h2o") {
      weights = range(0, heads).map((head) => this.#gains(attention, lists[head], head, queryHeads / heads));
      weights.forEach((gains, head) => {
        for (const [token, weight] of this.#weights[head] ?? []) gains.set(token, (gains.get(token) ?? 0) + weight);
      });
    } else if (thins) {
      const seen = Math.min(length, recent);
      const last = this.#attend(input, slice(queries, [0, length - seen, 0], [queryHeads, seen, size]), lists);
      weights = range(0, heads).map((head) => this.#gains(last, lists[head], head, queryHeads / heads));
    }
    this.#weights = weights;
    this.kept = lists.map((list, head) => {
      if (!thins || list.length <= heavy + recent) return list;
      const older = list.slice(0, -recent);
      const pooled = older.map((_, place) => {
        const half = (kernel - 1) / 2;
        const near = older.slice(Math.max(0, place - half), place + half + 1);
        return Math.max(...near.map((token) => weights[head].get(token)!));
      });
      const stay = heaviest(pooled, heavy).sort((a, b) => a - b).map((place) => older[place]);
      return [...stay, ...list.slice(-recent)];
    });
    this.#end = length;
    this.#phase = phase;
    return { ...attention, lists };
  }

  #attend({ keys, values }: EvictionInput, queries: Dense, lists: readonly number[][]): PairAttention {
    const { positions, frequencies } = this.#knobs;
    const places = lists.map((list) => new Map(list.map((token, place) => [token, place])));
    return attendPairs({
      queries,
      keys,
      values,
      frequencies,
      distance: (m, n, head) => {
        const [query, key] = [places[head].get(m), places[head].get(n)];
        if (query === undefined || key === undefined) return undefined;
        return positions === "compact" ? query - key : m - n;
      },
    });
  }

  /** Attention that a KV head's tokens get from its query heads. */
  #gains({ weights }: PairAttention, list: readonly number[], head: number, group: number): Map<number, number> {
    const own = weights.slice(head * group, (head + 1) * group).flat();
    return new Map(list.map((token) => [token, own.reduce((sum, row) => sum + row[token], 0)]));
  }
}

/** A copy of x, [heads, tokens, d], rotated by the tokens' own positions. */
export function rotatedByPlace(x: Dense, frequencies: ArrayLike<number>): Dense {
  const [, tokens, size] = x.shape;
  const pairs = size / 2;
  const turned = Float64Array.from(x.data);
  for (let at = 0; at < turned.length; at += size) {
    const place = at / size % tokens;
    for (let pair = 0; pair < pairs; pair++) {
      const angle = place * frequencies[pair];
      const [low, high] = [x.data[at + pair], x.data[at + pair + pairs]];
      turned[at + pair] = low * Math.cos(angle) - high * Math.sin(angle);
      turned[at + pair + pairs] = high * Math.cos(angle) + low * Math.sin(angle);
    }
  }
  return dense(turned, x.shape);
}
