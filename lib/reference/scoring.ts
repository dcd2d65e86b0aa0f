import { type Dense, dense, shapeText } from "./dense.ts";
import type { ReferenceScoring } from "./knobs.ts";
import { rotateRows } from "./rotate_rows.ts";

/** What tokens are scored from; all before rotation. */
export interface ScoringInput {
  /** What a token is scored by. */
  readonly scoring: ReferenceScoring;
  /** Queries that vote, [query heads, n, d]; the last one is the newest token's. */
  readonly queries: Dense;
  /** The step's new keys, [KV heads, S, d]: they vote in "k". */
  readonly newKeys: Dense;
  /** The step's new values, [KV heads, S, d]: they vote in "v". */
  readonly newValues: Dense;
  /** Keys of the tokens to score, [KV heads, m, d]. */
  readonly keys: Dense;
  /** Values of the tokens to score, [KV heads, m, d]. */
  readonly values: Dense;
  /** Index of the first token to score, its position in the "_pe" types. */
  readonly start: number;
  /** Tokens cached; query i of n has position N - n + i in the "_pe" types. */
  readonly length: number;
  /** Rotary frequencies, [pairs]; only the "_pe" types rotate. */
  readonly frequencies: ArrayLike<number>;
}

/**
 * Scores of tokens (ALGORITHM section 5): `score[h, i, j] = R[h, i] . P[kv(h), j]`, not scaled, in f64. Equal rows of P get
 * bitwise equal scores, since every sum runs in the same order.
 *
 * @param input the voting rows and the tokens
 * @returns f64 [heads, rows, m]; heads are query heads, or KV heads for "k" and "v"
 * @throws {TypeError} if shapes do not fit.
 *
 * @example
 * ```ts
 * import { dense, scoreTokens } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const queries = dense([1, 2], [1, 1, 2]);
 * const keys = dense([3, 4, 5, 6], [1, 2, 2]);
 * const scores = scoreTokens({
 *   scoring: "qk", queries, newKeys: queries, newValues: queries, keys, values: keys, start: 0, length: 3, frequencies: [],
 * });
 * assertEquals([...scores.data], [11, 17]);
 * ```
 */
export function scoreTokens(input: ScoringInput): Dense<Float64Array> {
  const rows = votingRows(input);
  const vectors = tokenVectors(input);
  const [heads, count, size] = rows.shape;
  const [keyHeads, tokens] = vectors.shape;
  if (rows.shape.length !== 3 || vectors.shape.length !== 3 || vectors.shape[2] !== size || heads % keyHeads) {
    throw new TypeError(
      `scoreTokens: rows ${shapeText(rows)} and tokens ${
        shapeText(vectors)
      } must be [heads, n, d] and [KV heads, m, d]`,
    );
  }
  const scores = new Float64Array(heads * count * tokens);
  for (let row = 0; row < heads * count; row++) {
    const keyHead = Math.floor(Math.floor(row / count) / (heads / keyHeads));
    for (let j = 0; j < tokens; j++) {
      const first = (keyHead * tokens + j) * size;
      let sum = 0;
      for (let c = 0; c < size; c++) sum += rows.data[row * size + c] * vectors.data[first + c];
      scores[row * tokens + j] = sum;
    }
  }
  return dense(scores, [heads, count, tokens]);
}

/** R of ALGORITHM section 5. */
function votingRows({ scoring, queries, newKeys, newValues, length, frequencies }: ScoringInput): Dense {
  if (scoring === "k") return newKeys;
  if (scoring === "v") return newValues;
  if (!scoring.endsWith("_pe")) return queries;
  const [, rows] = queries.shape;
  return rotateRows(queries, Array.from({ length: rows }, (_, i) => length - rows + i), frequencies);
}

/** P of ALGORITHM section 5. */
function tokenVectors({ scoring, keys, values, start, frequencies }: ScoringInput): Dense {
  if (scoring === "v") return values;
  const vectors = scoring.startsWith("qkv") ? weighted(keys, values, scoring.startsWith("qkv2") ? 2 : 1) : keys;
  if (!scoring.endsWith("_pe")) return vectors;
  return rotateRows(vectors, Array.from({ length: keys.shape[1] }, (_, j) => start + j), frequencies);
}

/** Each key times the L1 or L2 norm of its value. */
function weighted(keys: Dense, values: Dense, order: 1 | 2): Dense<Float64Array> {
  const size = keys.shape[2];
  const products = new Float64Array(keys.data.length);
  for (let first = 0; first < products.length; first += size) {
    let sum = 0;
    for (let c = 0; c < size; c++) sum += Math.abs(values.data[first + c]) ** order;
    const norm = order === 2 ? Math.sqrt(sum) : sum;
    for (let c = 0; c < size; c++) products[first + c] = keys.data[first + c] * norm;
  }
  return dense(products, keys.shape);
}
