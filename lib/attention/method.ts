import type { Tensor } from "../tensor/mod.ts";
import type { Knobs } from "./knobs.ts";
import type { AttentionStep, StepLayout, StepShape } from "./step.ts";

/** Names of the methods, as tables and figures show them. */
export type MethodName =
  | "full"
  | "streaming"
  | "reattention"
  | "reattention-window";

/** A way to attend over the cache. Nothing else in the toolkit branches on a method's name. */
export interface AttentionMethod {
  /** The name that tables and figures show. */
  readonly name: MethodName;
  /** Its knobs, complete. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth: string;
  /** Which parts of the cache a step attends to. */
  layout(step: StepShape): StepLayout;
  /** The most tokens that a step of this shape can attend to. */
  scopeBound(step: StepShape): number;
  /**
   * Attends in one layer.
   *
   * @param step the step, its keys and values already stored
   * @param layer the layer's number
   * @param queries f32 [batch, rows, query heads, head size], before rotation
   * @returns f32 of the same shape
   */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor;
}
