/** What one head's own top-k held of the needle. */
export interface NeedleRecallPoint {
  /** The layer's number. */
  readonly layer: number;
  /** The voting head's number. */
  readonly head: number;
  /** Tokens that the head picked. */
  readonly k: number;
  /** Share of the needle's value tokens among them, 0 to 1. */
  readonly recall: number;
  /** What picking at random would reach: picked tokens over the middle's length. */
  readonly chance: number;
}
