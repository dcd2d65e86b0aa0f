/**
 * ReAttention (arXiv 2407.15176) in TypeScript on WebGPU: tensors, a paged KV cache, selection of cached tokens without
 * positions, models, tasks and figures.
 *
 * @example A model trained at 512 tokens answers from far beyond them
 * ```ts
 * import { Device, loadModel, makeHaystack } from "@reattention/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const { encode } = model.tokenizer;
 * assertEquals(typeof encode, "function");
 * void makeHaystack;
 * ```
 *
 * @module
 */
export * from "./lib/gpu/mod.ts";
export * from "./lib/tensor/mod.ts";
export * from "./lib/attention/mod.ts";
export * from "./lib/model/mod.ts";
export * from "./lib/evaluation/mod.ts";
export * from "./lib/viz/mod.ts";
