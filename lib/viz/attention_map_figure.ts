import type { AttentionWeights } from "./attention_weights.ts";
import type { TokenRange } from "./token_range.ts";

/** What to draw. */
export interface AttentionMapInput {
  /** A head's weights after selection. */
  readonly attention: AttentionWeights;
  /** The same head's weights over all cached tokens, as they were before selection; a second picture above. */
  readonly before?: AttentionWeights;
  /** Above the figure. Default: the layer and the head. */
  readonly title?: string;
  /** The text of a stretch of tokens, for labels and hover text. */
  readonly text?: (start: number, end: number) => string;
  /** The asked-for needle, marked. */
  readonly needle?: TokenRange;
}
