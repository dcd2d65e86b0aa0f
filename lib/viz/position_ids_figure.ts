/** Which positions one method's attention saw at one length. */
export interface PositionIdsPoint {
  /** Name of the method. */
  readonly method: string;
  /** Tokens in the context. */
  readonly length: number;
  /** The greatest position id that any query or key was rotated by. */
  readonly largest: number;
}
