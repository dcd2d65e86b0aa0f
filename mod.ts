/**
 * ReAttention (arXiv 2407.15176) in TypeScript on WebGPU: tensors, a paged KV cache, selection of cached tokens without
 * positions, models, tasks and figures. The areas are also exports of their own, such as "@reattention/toolkit/tensor".
 *
 * @example A model trained at 512 tokens answers at four times that length
 * ```ts
 * import { askNeedle, Device, loadModel, makeHaystack, Random } from "@reattention/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const { tokenizer } = model;
 * const { tokens, needles } = await makeHaystack({ tokenizer, tokens: 2048, random: new Random(1) });
 * using session = model.createSession({ method: "reattention-window" });
 * await session.append(tokens);
 * const { prompt, answer } = askNeedle(needles[1]);
 * assertEquals(await session.answer(prompt, { maxTokens: 2 }), ` ${answer}`);
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
