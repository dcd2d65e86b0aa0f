/**
 * Tensors on WebGPU and the operations on them. Operations return new tensors, which the caller disposes, best by `using`.
 *
 * Shapes are written in the field's letters: batch, rows S, heads, head size d, K and N of a matrix product; `[.., d]` means
 * any leading axes. Bad shapes and types throw before anything is submitted.
 *
 * @module
 */
export { type DType, dtypeOf, elementBytes, type TensorData } from "./dtype.ts";
export type { Shape } from "./shape.ts";
export { Tensor } from "./tensor.ts";
export { readFloats } from "./read_floats.ts";
export { floatsToHalves, halvesToFloats } from "./half.ts";
export { fill, zeros } from "./fill.ts";

export { matmul, type MatmulOptions } from "./matmul.ts";
export type { RowWindow } from "./windows.ts";
export { gatedLinear, linear, type LinearOptions } from "./linear.ts";
export { MatrixImage } from "./matrix_image.ts";
export { add, multiply, scale } from "./elementwise.ts";
export { siluGate } from "./silu_gate.ts";
export { rmsNorm } from "./rms_norm.ts";
export { softmax } from "./softmax.ts";
export { argmax, max, mean, sum } from "./reduce.ts";
export { type TopK, topK } from "./top_k.ts";
export { rotary, type RotaryTable } from "./rotary.ts";
export { embedding, gatherRows, scatterRows } from "./rows.ts";
export { concat, slice, transpose, writeBlock } from "./rearrange.ts";
export { cast } from "./cast.ts";
export { type LanesPlan, lanesPlan } from "./attention_images.ts";
export { type AttentionRows, joinAttentionParts } from "./attention_parts.ts";
export { causalAttentionInWindows, type KeyWindow, mostKeyWindows } from "./attention_windows.ts";
export { causalAttention, causalAttentionOver, MOST_KEYS_IN_SOFTWARE } from "./causal_attention.ts";
