import type { AttentionShape } from "../../attention/mod.ts";
import type { ModelConfig } from "./config.ts";

/** Sizes of the attention that a config describes. */
export function attentionShapeOf(config: ModelConfig): AttentionShape {
  const { layers, queryHeads, keyValueHeads, headSize, slidingWindow, trainedContext } = config;
  const shape = { layers, queryHeads, keyValueHeads, headSize, trainedContext };
  return { ...shape, ...(slidingWindow !== null && { slidingWindow }) };
}
