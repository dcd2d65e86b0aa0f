/**
 * The toolkit in plain loops: every operation and every attention method once more on the host, summed in f64, to check
 * kernels against. Slow, short and exact; names mirror those of the tensor and attention modules.
 *
 * @module
 */
export { type Dense, dense, type DenseFloats, type Numbers } from "./dense.ts";

export { matmul, type ReferenceMatmulOptions } from "./matmul.ts";
export { add, multiply, scale, siluGate } from "./elementwise.ts";
export { rmsNorm } from "./rms_norm.ts";
export { softmax } from "./softmax.ts";
export { argmax, max, mean, sum } from "./reduce.ts";
export { type ReferenceTopK, topK } from "./top_k.ts";
export { type ReferenceRotaryTable, rotary, rotaryFrequencies, rotaryTable } from "./rotary.ts";
export { embedding, gatherRows, scatterRows } from "./rows.ts";
export { concat, slice, transpose } from "./rearrange.ts";
export { cast, type ReferenceDType, roundToHalf } from "./cast.ts";
export { type QuantizedVectors, quantizeInt8 } from "./quantize.ts";
export { causalAttention } from "./causal_attention.ts";

export { completeKnobs, type ReferenceKnobs, type ReferenceScoring } from "./knobs.ts";
export { knobsFromReference, type ReferenceSetup } from "./knobs_from_reference.ts";
export {
  type MiddleLayout,
  middleLayout,
  type ReferenceMethod,
  type ReferenceMode,
  type ReferenceStepShape,
  stepMode,
} from "./layout.ts";
export { type PromptChunks, promptChunks } from "./driver.ts";
export { scoreTokens, type ScoringInput } from "./scoring.ts";
export { expandSpans, type ReferenceSelection, selectTokens } from "./selection.ts";
export { attendedWeights } from "./attended_weights.ts";
export { type AttendedTokens, type AttendInput, attendSelected } from "./attend.ts";
export {
  type AttendedGroup,
  ReferenceLayer,
  type ReferenceLayerOptions,
  type ReferenceStepInput,
  type ReferenceStepResult,
} from "./reattention.ts";

export { attendPairs, type PairAttention, type PairAttentionInput, turnedProduct } from "./pair_attention.ts";
export {
  type Distance,
  dualChunkDistance,
  lmInfiniteDistance,
  reRopeDistance,
  selfExtendDistance,
  slidingDistance,
} from "./distances.ts";
export { ntkFrequencies, yarnFrequencies, type YarnScaling, yarnSharpness } from "./stretched_frequencies.ts";
export type { BlockInput } from "./block_input.ts";
export { type InfLlmKnobs, infLlmTokens } from "./infllm.ts";
export { questTokens } from "./quest.ts";
export { type LongHeadsInput, longHeadsTokens } from "./long_heads.ts";
export { type EvictionInput, type EvictionKnobs, ReferenceEviction } from "./eviction.ts";
export { ReferenceTokenSelect, type TokenSelectKnobs, tokenSelectTokens } from "./token_select.ts";
