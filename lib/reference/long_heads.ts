import { type BlockInput, heaviest, range, rowOf } from "./block_input.ts";
import type { Dense } from "./dense.ts";

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
