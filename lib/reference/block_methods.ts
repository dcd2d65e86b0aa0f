import type { Dense } from "./dense.ts";
import { turnedProduct } from "./pair_attention.ts";

/** What methods that pick blocks look at; before rotation. */
export interface BlockInput {
  /** Queries of all tokens so far, [query heads, N, d]. */
  readonly queries: Dense;
  /** Keys of all tokens so far, [KV heads, N, d]. */
  readonly keys: Dense;
  /** Tokens of the step: the last ones. */
  readonly rows: number;
}

/** InfLLM's knobs. */
export interface InfLlmKnobs {
  /** Leading tokens that are always attended to. */
  readonly globalSize: number;
  /** Tokens of a block. */
  readonly block: number;
  /** Tokens that represent a block. */
  readonly representatives: number;
  /** Blocks attended to. */
  readonly blocks: number;
  /** Tokens of the local window. */
  readonly local: number;
}

/**
 * The tokens that a step of InfLLM attends to (arXiv 2402.04617, section 3): of each token that left the local window, r(m) is
 * the mean product of its key with the next `local` queries; a block's representatives are its tokens with the highest r; its
 * relevance is the sum of their products with the step's queries, all heads added. KV heads have representatives of
 * their own.
 *
 * @example Two blocks of one token each; the second one's key is what the last query asks for
 * ```ts
 * import { dense, infLlmTokens } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const keys = dense([0, 0, 1, 0, 0, 2], [1, 3, 2]);
 * const queries = dense([0, 0, 0, 0, 1, 0], [1, 3, 2]);
 * const knobs = { globalSize: 0, block: 1, representatives: 1, blocks: 1, local: 1 };
 * assertEquals(infLlmTokens({ queries, keys, rows: 1 }, knobs), [1, 2]);
 * ```
 */
export function infLlmTokens({ queries, keys, rows }: BlockInput, knobs: InfLlmKnobs): number[] {
  const { globalSize, block, representatives, blocks, local } = knobs;
  const [queryHeads, length] = queries.shape;
  const keyHeads = keys.shape[0];
  const group = queryHeads / keyHeads;
  const first = length - rows;
  const count = Math.max(0, Math.floor((first - local + 1 - globalSize) / block));
  if (count === 0) return range(0, length);
  const end = globalSize + count * block;
  const product = (head: number, m: number, n: number) => {
    return dot(rowOf(queries, head, m), rowOf(keys, Math.floor(head / group), n));
  };
  const relevance = (keyHead: number, m: number) => {
    let total = 0;
    for (let later = m + 1; later <= m + local; later++) {
      for (let h = 0; h < group; h++) total += product(keyHead * group + h, later, m);
    }
    return total / local;
  };
  const scores = Array.from({ length: count }, (_, number) => {
    const tokens = range(globalSize + number * block, globalSize + (number + 1) * block);
    let score = 0;
    for (let keyHead = 0; keyHead < keyHeads; keyHead++) {
      const best = heaviest(tokens.map((m) => relevance(keyHead, m)), representatives).map((place) => tokens[place]);
      for (let h = keyHead * group; h < (keyHead + 1) * group; h++) {
        for (let m = first; m < length; m++) for (const token of best) score += product(h, m, token);
      }
    }
    return score;
  });
  const picked = heaviest(scores, blocks).flatMap((number) => {
    return range(globalSize + number * block, globalSize + (number + 1) * block);
  });
  return [...range(0, globalSize), ...picked.sort((a, b) => a - b), ...range(end, length)];
}

/**
 * The tokens that a step of Quest attends to, one list for each KV head (arXiv 2406.10774, section 3.2): the pages with the
 * highest sums over channels of max(q min, q max), query heads of a group and rows added, and what no page holds yet.
 *
 * @param input `queries` and `keys` as pages see them: rotated, as published, or not
 *
 * @example
 * ```ts
 * import { dense, questTokens } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const keys = dense([1, 0, 0, 1, 5, 5], [1, 3, 2]);
 * const queries = dense([0, 0, 0, 0, 1, 0], [1, 3, 2]);
 * assertEquals(questTokens({ queries, keys, rows: 1 }, { page: 1, pages: 1 }), [[0, 2]]);
 * ```
 */
export function questTokens(
  { queries, keys, rows }: BlockInput,
  { page, pages }: { readonly page: number; readonly pages: number },
): number[][] {
  const [queryHeads, length, size] = queries.shape;
  const keyHeads = keys.shape[0];
  const group = queryHeads / keyHeads;
  const whole = Math.floor((length - rows) / page);
  return Array.from({ length: keyHeads }, (_, keyHead) => {
    const scores = Array.from({ length: whole }, (_, number) => {
      let score = 0;
      const own = range(number * page, (number + 1) * page).map((token) => rowOf(keys, keyHead, token));
      for (let c = 0; c < size; c++) {
        const [least, most] = [Math.min(...own.map((key) => key[c])), Math.max(...own.map((key) => key[c]))];
        for (let h = keyHead * group; h < (keyHead + 1) * group; h++) {
          for (let m = length - rows; m < length; m++) {
            const q = rowOf(queries, h, m)[c];
            score += Math.max(q * least, q * most);
          }
        }
      }
      return score;
    });
    const picked = heaviest(scores, pages).flatMap((number) => range(number * page, (number + 1) * page));
    return [...picked.sort((a, b) => a - b), ...range(whole * page, length)];
  });
}

/**
 * The tokens that a step of TokenSelect attends to (arXiv 2411.02886, section 4.1): softmax over the middle of each head's
 * products, added over heads and rows; the highest `tokens` of them.
 *
 * @example
 * ```ts
 * import { dense, tokenSelectTokens } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const keys = dense([1, 0, 0, 1, 5, 5], [1, 3, 2]);
 * const queries = dense([0, 0, 0, 0, 1, 0], [1, 3, 2]);
 * assertEquals(tokenSelectTokens({ queries, keys, rows: 1 }, { globalSize: 0, window: 1, tokens: 1 }), [0, 2]);
 * ```
 */
export function tokenSelectTokens(
  { queries, keys, rows }: BlockInput,
  { globalSize, window, tokens }: { readonly globalSize: number; readonly window: number; readonly tokens: number },
): number[] {
  const [queryHeads, length, size] = queries.shape;
  const group = queryHeads / keys.shape[0];
  const middle = range(globalSize, Math.max(globalSize, length - window));
  if (middle.length === 0) return range(0, length);
  const votes = middle.map(() => 0);
  for (let h = 0; h < queryHeads; h++) {
    for (let m = length - rows; m < length; m++) {
      const scores = middle.map((n) =>
        dot(rowOf(queries, h, m), rowOf(keys, Math.floor(h / group), n)) / Math.sqrt(size)
      );
      const highest = Math.max(...scores);
      const total = scores.reduce((sum, score) => sum + Math.exp(score - highest), 0);
      scores.forEach((score, place) => votes[place] += Math.exp(score - highest) / total);
    }
  }
  const picked = heaviest(votes, tokens).map((place) => middle[place]).sort((a, b) => a - b);
  return [...range(0, globalSize), ...picked, ...range(length - window, length)];
}

/** What LongHeads looks at besides queries and keys. */
export interface LongHeadsInput extends BlockInput {
  /** Values of all tokens so far, [KV heads, N, d]. */
  readonly values: Dense;
  /** Rotary frequencies, [pairs]. */
  readonly frequencies: ArrayLike<number>;
}

/**
 * The tokens that a step of LongHeads attends to, one list for each KV head (arXiv 2402.10685, section 2.2): a chunk's features
 * are its attention to itself; its key is what their mean gathers, by attention, of its keys. The first chunk, the one of
 * the step's first token, the one before and all after are attended to, and the chunks whose keys' products with the step's
 * queries are highest, query heads of a group added.
 *
 * @example
 * ```ts
 * import { dense, longHeadsTokens } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const x = dense([0, 0, 9, 0, 1, 0, 0, 0, 1, 0], [1, 5, 2]);
 * const input = { queries: x, keys: x, values: x, rows: 1, frequencies: [1] };
 * assertEquals(longHeadsTokens(input, { chunk: 1, picked: 1 }), [[0, 1, 3, 4]]);
 * ```
 */
export function longHeadsTokens(
  { queries, keys, values, rows, frequencies }: LongHeadsInput,
  { chunk, picked }: { readonly chunk: number; readonly picked: number },
): number[][] {
  const [queryHeads, length, size] = queries.shape;
  const keyHeads = keys.shape[0];
  const group = queryHeads / keyHeads;
  const windowStart = (Math.floor((length - rows) / chunk) - 1) * chunk;
  if (windowStart <= chunk) return Array.from({ length: keyHeads }, () => range(0, length));
  const chunkKey = (head: number, first: number) => {
    const keyHead = Math.floor(head / group);
    const places = range(0, chunk);
    const turned = places.map((place) => turn(rowOf(keys, keyHead, first + place), place, frequencies));
    const vectors = places.map((place) => rowOf(values, keyHead, first + place));
    const features = places.map((place) => {
      return gatherBy(turn(rowOf(queries, head, first + place), place, frequencies), turned, vectors);
    });
    const mean = features[0].map((_, c) => features.reduce((sum, feature) => sum + feature[c], 0) / chunk);
    return gatherBy(mean, turned, turned);
  };
  return Array.from({ length: keyHeads }, (_, keyHead) => {
    const scores = range(1, windowStart / chunk).map((number) => {
      let score = 0;
      for (let h = keyHead * group; h < (keyHead + 1) * group; h++) {
        const key = chunkKey(h, number * chunk);
        for (let m = length - rows; m < length; m++) {
          for (let c = 0; c < size; c++) score += rowOf(queries, h, m)[c] * key[c];
        }
      }
      return score;
    });
    const best = heaviest(scores, picked).map((place) => place + 1).sort((a, b) => a - b);
    const middle = best.flatMap((number) => range(number * chunk, (number + 1) * chunk));
    return [...range(0, chunk), ...middle, ...range(windowStart, length)];
  });
}

/** What a query gathers of vectors by attention to their keys. */
function gatherBy(query: readonly number[], keys: readonly number[][], vectors: readonly number[][]): number[] {
  const scores = keys.map((key) => query.reduce((sum, value, c) => sum + value * key[c], 0) / Math.sqrt(query.length));
  const highest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - highest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return query.map((_, c) => vectors.reduce((sum, vector, j) => sum + weights[j] / total * vector[c], 0));
}

/** A vector rotated to a position. */
function turn(x: readonly number[], position: number, frequencies: ArrayLike<number>): number[] {
  const pairs = x.length / 2;
  return x.map((value, c) => {
    const angle = position * frequencies[c % pairs];
    return c < pairs
      ? value * Math.cos(angle) - x[c + pairs] * Math.sin(angle)
      : value * Math.cos(angle) + x[c - pairs] * Math.sin(angle);
  });
}

/** Places of the highest values, best first; of equal ones the earlier. */
export function heaviest(values: readonly number[], count: number): number[] {
  return [...values.keys()].sort((a, b) => values[b] - values[a] || a - b).slice(0, count);
}

/** One head's vector of one token, of [heads, tokens, d]. */
export function rowOf(x: Dense, head: number, token: number): number[] {
  const [, tokens, size] = x.shape;
  return Array.from(x.data.slice((head * tokens + token) * size, (head * tokens + token + 1) * size));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return turnedProduct(a, b, 0, new Float64Array(a.length / 2));
}

/** Whole numbers from `start` up to, not including, `end`. */
export function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_, place) => start + place);
}
