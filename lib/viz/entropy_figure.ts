/** How spread one layer's attention was at one length. */
export interface EntropyPoint {
  /** Name of the method. */
  readonly method: string;
  /** The layer's number. */
  readonly layer: number;
  /** Tokens in the context. */
  readonly length: number;
  /** Tokens attended to. */
  readonly attended: number;
  /** Entropy of the attention weights in nats, averaged over heads (and rows, where there are several). */
  readonly entropy: number;
  /** Least entropy of a head. */
  readonly low?: number;
  /** Greatest entropy of a head. */
  readonly high?: number;
}
