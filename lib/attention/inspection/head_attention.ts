/**
 * What one head gave its attention to, for some queries of one step. Tokens between which nothing was attended to are simply
 * not there: attended positions have gaps. Long lists may be binned: then an entry stands for `binTokens` tokens side by side.
 */
export interface HeadAttention {
  /** The layer's number. */
  readonly layer: number;
  /** The query head's number. */
  readonly head: number;
  /** Places in the whole context of the tokens that asked, rising. */
  readonly queries: Uint32Array<ArrayBuffer>;
  /** Position ids that the queries were rotated by. */
  readonly queryPositionIds: Uint32Array<ArrayBuffer>;
  /** Places in the whole context of the attended tokens, rising; of each bin's first token where binned. */
  readonly positions: Uint32Array<ArrayBuffer>;
  /** Position ids that their keys were rotated by. */
  readonly positionIds: Uint32Array<ArrayBuffer>;
  /** Weights after the softmax, row-major [queries, positions]: each row sums to 1; what a query can't see has weight 0. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** Tokens of an entry: 1, or more where binned. A bin's weight is the sum of its tokens'. */
  readonly binTokens: number;
  /** Tokens that each query attended to. */
  readonly attended: Uint32Array<ArrayBuffer>;
  /** Entropy of each query's weights in nats, from all tokens, binned or not: the sum of -w ln w. */
  readonly entropy: Float64Array<ArrayBuffer>;
  /** The same divided by ln(attended), the entropy of looking at all of them alike; 0 where there is one token only. */
  readonly normalizedEntropy: Float64Array<ArrayBuffer>;
  /** Leading tokens always attended to. */
  readonly globalCount: number;
  /** First token of the window. */
  readonly windowStart: number;
}

/** The tokens of one query's attention, and their scores. */
export interface ScoredRow {
  /** Place among the listed tokens of the first one that the query sees. */
  readonly first: number;
  /** Scores of the tokens that it sees, from there on: dot products, not scaled. */
  readonly scores: Float32Array;
}

/** Softmax of scores scaled by 1 / sqrt(head size), in f64. */
function weightsOf(scores: Float32Array, headSize: number): Float64Array {
  const scale = 1 / Math.sqrt(headSize);
  let highest = -Infinity;
  for (const score of scores) highest = Math.max(highest, score);
  const weights = new Float64Array(scores.length);
  let total = 0;
  for (let i = 0; i < scores.length; i++) total += weights[i] = Math.exp((scores[i] - highest) * scale);
  for (let i = 0; i < scores.length; i++) weights[i] /= total;
  return weights;
}

/**
 * Entropy of weights in nats: the sum of -w ln w.
 *
 * @param weights they sum to 1
 *
 * @example
 * ```ts
 * import { entropyOf } from "@reattention/toolkit/attention";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * assertAlmostEquals(entropyOf([0.25, 0.25, 0.25, 0.25]), Math.log(4));
 * assertEquals(entropyOf([1, 0]), 0);
 * ```
 */
export function entropyOf(weights: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] > 0) sum -= weights[i] * Math.log(weights[i]);
  }
  return sum;
}

/** What is known of a head's attention before its weights. */
export type AttentionPlaces =
  & Pick<
    HeadAttention,
    "layer" | "head" | "queries" | "queryPositionIds" | "positions" | "positionIds" | "globalCount" | "windowStart"
  >
  & { readonly headSize: number };

/** Puts a head's weights together: one row of scores for each query; more than `mostEntries` tokens are binned. */
export function headAttention(
  { headSize, ...places }: AttentionPlaces,
  rows: readonly ScoredRow[],
  mostEntries: number,
): HeadAttention {
  const count = places.positions.length;
  const binTokens = Math.ceil(count / mostEntries);
  const entries = Math.ceil(count / binTokens);
  const weights = new Float32Array(rows.length * entries);
  const entropy = new Float64Array(rows.length);
  rows.forEach(({ first, scores }, row) => {
    const own = weightsOf(scores, headSize);
    entropy[row] = entropyOf(own);
    const sums = new Float64Array(entries);
    own.forEach((weight, i) => sums[Math.floor((first + i) / binTokens)] += weight);
    weights.set(sums, row * entries);
  });
  const attended = Uint32Array.from(rows, ({ scores }) => scores.length);
  const firstOfBins = (tokens: Uint32Array<ArrayBuffer>) => tokens.filter((_, i) => i % binTokens === 0);
  return {
    ...places,
    positions: firstOfBins(places.positions),
    positionIds: firstOfBins(places.positionIds),
    weights,
    binTokens,
    attended,
    entropy,
    normalizedEntropy: entropy.map((nats, row) => attended[row] > 1 ? nats / Math.log(attended[row]) : 0),
  };
}
