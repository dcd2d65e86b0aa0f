import { type BlockInput, dot, heaviest, range, rowOf } from "./block_input.ts";

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

/** TokenSelect's knobs. */
export interface TokenSelectKnobs {
  /** Leading tokens that are always attended to. */
  readonly globalSize: number;
  /** Newest tokens that are. */
  readonly window: number;
  /** Tokens picked between them. */
  readonly tokens: number;
  /** Cosine from which on a selection is reused. */
  readonly similarity: number;
}

/**
 * The tokens that TokenSelect attends to, step by step, with its selection cache (arXiv 2411.02886, section 4.3): where the mean
 * of a step's queries, all heads in a row, has a cosine of at least `similarity` to that of the last step that selected, the
 * tokens picked then are attended to again.
 *
 * @example The second step asks for the same as the first, and gets its token, though another fits now
 * ```ts
 * import { dense, ReferenceTokenSelect } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const oracle = new ReferenceTokenSelect({ globalSize: 0, window: 1, tokens: 1, similarity: 0.9 });
 * const vectors = [1, 0, 2, 0, 9, 0, 1, 0];
 * const first = dense(vectors.slice(0, 6), [1, 3, 2]);
 * assertEquals(oracle.step({ queries: first, keys: first, rows: 1 }), [1, 2]);
 * const second = dense(vectors, [1, 4, 2]);
 * assertEquals(oracle.step({ queries: second, keys: second, rows: 1 }), [1, 3]);
 * ```
 */
export class ReferenceTokenSelect {
  readonly #knobs: TokenSelectKnobs;
  #last: { readonly query: readonly number[]; readonly picked: readonly number[] } | undefined;

  /** No step was taken yet. */
  constructor(knobs: TokenSelectKnobs) {
    this.#knobs = knobs;
  }

  /** The tokens that the next step attends to, rising. */
  step(input: BlockInput): number[] {
    const { globalSize, window, similarity } = this.#knobs;
    const length = input.queries.shape[1];
    const windowStart = length - window;
    if (windowStart <= globalSize) return tokenSelectTokens(input, this.#knobs);
    const query = meanQuery(input);
    if (!this.#last || cosineOf(this.#last.query, query) < similarity) {
      const picked = tokenSelectTokens(input, this.#knobs).filter((token) =>
        token >= globalSize && token < windowStart
      );
      this.#last = { query, picked };
    }
    const all = Array.from({ length }, (_, token) => token);
    return [...all.slice(0, globalSize), ...this.#last.picked, ...all.slice(windowStart)];
  }
}

function meanQuery({ queries, rows }: BlockInput): number[] {
  const [heads, length, size] = queries.shape;
  return Array.from({ length: heads * size }, (_, index) => {
    const [head, c] = [Math.floor(index / size), index % size];
    let sum = 0;
    for (let m = length - rows; m < length; m++) sum += queries.data[(head * length + m) * size + c];
    return sum / rows;
  });
}

function cosineOf(a: readonly number[], b: readonly number[]): number {
  const product = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, index) => sum + value * y[index], 0);
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
}
