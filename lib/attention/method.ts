import type { Knobs } from "./knobs/knobs.ts";
import type { StepMethod, StepShape } from "./step.ts";

/** Names of the methods, as tables and figures show them. */
export type MethodName =
  | "full"
  | "window"
  | "streaming"
  | "lm-infinite"
  | "linear"
  | "ntk"
  | "yarn"
  | "self-extend"
  | "rerope"
  | "leaky-rerope"
  | "dual-chunk"
  | "infllm"
  | "quest"
  | "quest-compact"
  | "h2o"
  | "h2o-compact"
  | "snapkv"
  | "snapkv-compact"
  | "token-select"
  | "long-heads"
  | "reattention"
  | "reattention-window"
  | "random"
  | "oracle";

/** A way to attend over the cache. Nothing else in the toolkit branches on a method's name. */
export interface AttentionMethod extends StepMethod {
  /** The name that tables and figures show: one of `MethodName` for the toolkit's own methods. */
  readonly name: string;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth: string;
  /** The most tokens that a step of this shape can attend to. */
  scopeBound(step: StepShape): number;
  /** Tokens of a context of `length` that later steps can still attend to, in each head. Default: all of them. */
  keptTokens?(length: number): number;
  /** Vectors of a key's size that a step reads in each KV head in order to select. Default: none. */
  scoredKeys?(step: StepShape): number;
  /**
   * All that reading a context depends on: methods of one key, given the same tokens, leave the same cache, so that what one has
   * read the other can go on with. Holds where no step of the context but the first has one row, which counts as a decode
   * step (ALGORITHM section 3). Default: the name and all knobs.
   */
  prefillKey?(): string;
}

/** The knobs that say how a context is cut into steps. */
export function stepKnobs(
  { globalSize, window, align, chunkSize, allowBeyondTrained }: Readonly<Knobs>,
): Partial<Knobs> {
  return { globalSize, window, align, chunkSize, allowBeyondTrained };
}
