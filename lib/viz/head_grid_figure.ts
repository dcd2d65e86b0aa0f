import type { AttentionWeights } from "./attention_weights.ts";

/** What to draw. */
export interface HeadGridInput {
  /** One entry per layer and head, in any order. */
  readonly heads: readonly AttentionWeights[];
  /** Above the figure; none where it is empty. */
  readonly title?: string;
}
