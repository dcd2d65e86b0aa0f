import { type BlockInput, tokenSelectTokens } from "./block_methods.ts";

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
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, index) => sum + value * y[index], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
