import type { AttentionMethod, StepShape } from "../../lib/attention/mod.ts";
import type { ModelConfig } from "../../lib/model/mod.ts";
import { vectorBytes } from "../../lib/attention/cache/storage.ts";
import type { ModelPart } from "./arguments.ts";
import type { Storage } from "./storage.ts";

/** Bytes of a weight. */
const HALF = 2;

/** What a step can't do without. */
export interface StepCost {
  /** Bytes to read: weights once, keys to score, keys and values to attend to. */
  readonly bytes: number;
  /** Floating-point operations of the products. */
  readonly flops: number;
  /** Most tokens that a head attends to. */
  readonly scope: number;
}

/** Counts what a step of a model of this many layers reads and multiplies; the head belongs to decoding the whole model. */
export function stepCost(
  config: ModelConfig,
  method: AttentionMethod,
  step: StepShape,
  part: ModelPart,
  storage: Storage,
): StepCost {
  const { layers, hiddenSize, intermediateSize, queryHeads, keyValueHeads, headSize, vocabularySize } = config;
  const maps = hiddenSize * headSize * (2 * queryHeads + 2 * keyValueHeads) + 3 * hiddenSize * intermediateSize;
  const head = part === "whole" && step.phase === "decode" ? hiddenSize * vocabularySize : 0;
  const weights = layers * maps + head;
  const scope = method.scopeBound(step);
  const scored = method.scoredKeys?.(step) ?? 0;
  const cached = layers * keyValueHeads * vectorBytes(storage, headSize) * (scored + 2 * scope);
  const attention = layers * queryHeads * headSize * step.rows * (2 * scored + 4 * scope);
  return {
    bytes: HALF * weights + cached,
    flops: 2 * step.rows * layers * maps + 2 * head + attention,
    scope,
  };
}
