import type { SavedState } from "./saved_state.ts";

/**
 * What a method keeps of one sequence in one layer, beside keys and values: bounds of blocks, tokens that were not evicted.
 * It follows its sequence through forks and dropped tokens.
 */
export interface LayerMemory {
  /** Bytes that it holds; those shared with forks count in each of them. */
  readonly bytes: number;
  /** The same memory, going its own way. */
  fork(): LayerMemory;
  /** Forgets what came from tokens from `length` on. */
  truncate(length: number): void;
  /** What it holds, for a file; `restoreMemory` makes it anew. */
  save(): SavedState;
  /** Gives its buffers back. */
  [Symbol.dispose](): void;
}
