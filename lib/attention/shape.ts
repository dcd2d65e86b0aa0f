/** Sizes of a model's attention that every layer shares. */
export interface AttentionShape {
  /** Number of layers. */
  readonly layers: number;
  /** Query heads. */
  readonly queryHeads: number;
  /** KV heads; query head h uses KV head floor(h / (queryHeads / keyValueHeads)). */
  readonly keyValueHeads: number;
  /** Channels per head: even, 2 to 256. */
  readonly headSize: number;
  /** Keys that a query sees, its own included, where the model slides; for the method "full" only. Default: all. */
  readonly slidingWindow?: number;
  /** Tokens of context that the model was trained with, for methods that stretch positions. Default 4,096. */
  readonly trainedContext?: number;
}

/** Vectors of four channels that hold one head's row; kernels pad the rest with zeros. */
export function headVectors(headSize: number): number {
  return Math.ceil(headSize / 4);
}

/** @throws {RangeError} for sizes that the kernels can't take. */
export function checkAttentionShape(shape: AttentionShape): void {
  const { layers, queryHeads, keyValueHeads, headSize } = shape;
  for (
    const [name, value] of Object.entries({
      layers,
      queryHeads,
      keyValueHeads,
      headSize,
    })
  ) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(
        `attention: ${name} ${value} must be a whole number of at least 1`,
      );
    }
  }
  if (headSize % 2 || headSize > 256) {
    throw new RangeError(
      `attention: headSize ${headSize} must be even and at most 256`,
    );
  }
  if (queryHeads % keyValueHeads) {
    throw new RangeError(
      `attention: queryHeads ${queryHeads} must be a multiple of keyValueHeads ${keyValueHeads}`,
    );
  }
}
