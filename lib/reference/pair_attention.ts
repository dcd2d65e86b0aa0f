import { type Dense, type DenseFloats, floatsFor } from "./dense.ts";

/** What attention with a distance for each pair needs; queries, keys and values before rotation. */
export interface PairAttentionInput {
  /** The step's queries, [query heads, S, d]. */
  readonly queries: Dense;
  /** All cached keys, [KV heads, N, d]; the last S are the step's own. */
  readonly keys: Dense;
  /** All cached values, [KV heads, N, d]. */
  readonly values: Dense;
  /** Rotary frequencies, [pairs]. */
  readonly frequencies: ArrayLike<number>;
  /** Distance at which query m sees key n <= m in a KV head; undefined where it does not see it. */
  readonly distance: (m: number, n: number, keyHead: number) => number | undefined;
  /** Factor of all scores besides 1 / sqrt(d). Default 1. */
  readonly sharpness?: number;
}

/** What attention gave each query, and the weights. */
export interface PairAttention extends DenseFloats {
  /** Softmax weights, [query heads][S][N]; 0 where a key is not seen. */
  readonly weights: readonly (readonly Float64Array[])[];
}

/**
 * Attention in which each pair of query and key stands at a distance of its own: `softmax(q R(distance) k / sqrt(d)) v`, where
 * R turns a pair of channels by distance times frequency (RoFormer, Su et al. 2021, equation 16). The definition that
 * methods which count far tokens differently share.
 *
 * @param input queries, cache and distances
 * @returns f32 [query heads, S, d], and the weights
 *
 * @example
 * ```ts
 * import { attendPairs, dense } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const { data } = attendPairs({
 *   queries: dense([1, 0], [1, 1, 2]),
 *   keys: dense([5, 5, 0, 0, 0, 0], [1, 3, 2]),
 *   values: dense([9, 9, 1, 2, 3, 4], [1, 3, 2]),
 *   frequencies: [1],
 *   distance: (m, n) => m - n < 2 ? m - n : undefined, // a window of two tokens
 * });
 * assertEquals([...data], [2, 3]);
 * ```
 */
export function attendPairs(input: PairAttentionInput): PairAttention {
  const { queries, keys, values, frequencies, distance, sharpness = 1 } = input;
  const [queryHeads, rows, size] = queries.shape;
  const [keyHeads, length] = keys.shape;
  const output = floatsFor(queries.shape);
  const weights = Array.from({ length: queryHeads }, () => [] as Float64Array[]);
  for (let head = 0; head < queryHeads; head++) {
    const keyHead = Math.floor(head / (queryHeads / keyHeads));
    for (let row = 0; row < rows; row++) {
      const at = (head * rows + row) * size;
      const query = queries.data.slice(at, at + size);
      const scores = Array.from({ length }, (_, n) => {
        const m = length - rows + row;
        const between = n <= m ? distance(m, n, keyHead) : undefined;
        if (between === undefined) return -Infinity;
        const first = (keyHead * length + n) * size;
        const key = keys.data.slice(first, first + size);
        return sharpness * turnedProduct(query, key, between, frequencies) / Math.sqrt(size);
      });
      const highest = Math.max(...scores);
      const own = Float64Array.from(scores, (score) => Math.exp(score - highest));
      const total = own.reduce((sum, weight) => sum + weight, 0);
      weights[head].push(own.map((weight) => weight / total));
      for (let c = 0; c < size; c++) {
        let sum = 0;
        own.forEach((weight, n) => sum += weight / total * values.data[(keyHead * length + n) * size + c]);
        output.data[at + c] = sum;
      }
    }
  }
  return { ...output, weights };
}

/**
 * The product of a query and a key that stands `between` tokens before it; channel c turns with channel c + d/2.
 *
 * @example A quarter of a turn for each token between
 * ```ts
 * import { turnedProduct } from "@reattention/toolkit/reference";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const product = (between: number) => turnedProduct([1, 0], [1, 0], between, [Math.PI / 2]);
 * assertAlmostEquals(product(0), 1);
 * assertAlmostEquals(product(1), 0, 1e-12);
 * assertAlmostEquals(product(2), -1);
 * ```
 */
export function turnedProduct(
  query: ArrayLike<number>,
  key: ArrayLike<number>,
  between: number,
  frequencies: ArrayLike<number>,
): number {
  const pairs = query.length / 2;
  let sum = 0;
  for (let pair = 0; pair < pairs; pair++) {
    const angle = between * frequencies[pair];
    const [low, high] = [query[pair], query[pair + pairs]];
    sum += (low * Math.cos(angle) - high * Math.sin(angle)) * key[pair];
    sum += (high * Math.cos(angle) + low * Math.sin(angle)) * key[pair + pairs];
  }
  return sum;
}
