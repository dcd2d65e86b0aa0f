/**
 * What one head gave its attention to: the input of the attention figures.
 *
 * The attended tokens are those that were really attended to, so their positions have gaps where tokens were not selected.
 * Every query of a step sees the same list; a token that came after a query has weight 0 there.
 */
export interface AttentionWeights {
  /** The layer's number. */
  readonly layer: number;
  /** The query head's number. */
  readonly head: number;
  /** Positions in the whole context of the tokens that asked, rising; one row each. */
  readonly queries: ArrayLike<number>;
  /** Positions in the whole context of the attended tokens, rising; one column each. */
  readonly positions: ArrayLike<number>;
  /** Weights after the softmax, row by row: `weights[row * positions.length + column]`. Each row sums to 1. */
  readonly weights: ArrayLike<number>;
  /** Tokens side by side that each column stands for, its weight their sum; for lists that were binned. Default 1. */
  readonly binTokens?: number;
  /** Leading tokens always attended to. Default 0. */
  readonly globalCount?: number;
  /** First token of the window. Default: none marked. */
  readonly windowStart?: number;
}

/**
 * Checks sizes and order.
 *
 * @throws {RangeError} naming what is wrong.
 */
export function checkWeights(name: string, { layer, head, queries, positions, weights }: AttentionWeights): void {
  const where = `${name}: layer ${layer}, head ${head}`;
  if (queries.length === 0 || positions.length === 0) {
    throw new RangeError(
      `${where} has ${queries.length} queries and ${positions.length} positions; give at least one of each`,
    );
  }
  if (weights.length !== queries.length * positions.length) {
    const needed = `${queries.length} queries and ${positions.length} positions need ${
      queries.length * positions.length
    }`;
    throw new RangeError(`${where} has ${weights.length} weights; ${needed}`);
  }
  for (let i = 1; i < positions.length; i++) {
    if (positions[i] <= positions[i - 1]) {
      throw new RangeError(`${where}: positions must rise, but ${positions[i - 1]} stands before ${positions[i]}`);
    }
  }
}
