import type { Tensor } from "../../tensor/mod.ts";

/** The k best tokens of each query in each block of the middle. */
export interface BestLists {
  /** Scores, f32 [batch, KV heads, pairs, blocks, k]. */
  readonly scores: Tensor;
  /** Tokens, u32 of the same shape. */
  readonly tokens: Tensor;
  /** Blocks that the middle is cut into; 1: the lists are whole. */
  readonly blocks: number;
}
