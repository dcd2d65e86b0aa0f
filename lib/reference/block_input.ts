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

/** Places of the highest values, best first; of equal ones the earlier. */
export function heaviest(values: readonly number[], count: number): number[] {
  return [...values.keys()].sort((a, b) => values[b] - values[a] || a - b).slice(0, count);
}

/** One head's vector of one token, of [heads, tokens, d]. */
export function rowOf(x: Dense, head: number, token: number): number[] {
  const [, tokens, size] = x.shape;
  return Array.from(x.data.slice((head * tokens + token) * size, (head * tokens + token + 1) * size));
}

/** The product of two vectors. */
export function dot(a: readonly number[], b: readonly number[]): number {
  return turnedProduct(a, b, 0, new Float64Array(a.length / 2));
}

/** Whole numbers from `start` up to, not including, `end`. */
export function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_, place) => start + place);
}
