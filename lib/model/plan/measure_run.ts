import { Decoder } from "../decoder/decoder.ts";
import { DecoderWeights } from "../weights/decoder_weights.ts";
import { Model } from "../model.ts";
import { BlankWeights, randomBlock } from "./blank_weights.ts";
import { methodFor } from "../session/session_method.ts";
import type { PlanOptions } from "./plan_run.ts";

/** What a run took. */
export interface MeasuredRun {
  /** Seconds to read the context. */
  readonly prefillSeconds: number;
  /** Seconds a token of the answer. */
  readonly tokenSeconds: number;
  /** Most bytes at once on the device, from the loaded weights on. */
  readonly peakBytes: number;
}

/** Tokens of an answer before those that are timed. */
const WARM_TOKENS = 4;

/**
 * Makes a planned run with random weights and tokens, so that its plan can be set beside it. A short run before it compiles the kernels.
 *
 * @throws {MemoryBudgetError} where memory can't hold it.
 *
 * @example How far the estimate of a short run was off
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { loadConfig, measureRun } from "@reattention/toolkit/model";
 * import { assert } from "@std/assert";
 *
 * using device = await Device.open();
 * const { prefillSeconds } = await measureRun({ device, config: await loadConfig("demo"), length: 300, answer: 4 });
 * assert(prefillSeconds > 0);
 * ```
 */
export async function measureRun(options: PlanOptions): Promise<MeasuredRun> {
  const { device, config, length, answer = 64, weights: type = "f32" } = options;
  const weights = await DecoderWeights.load(device, config, new BlankWeights(config, randomBlock()), { type });
  using model = new Model(config, undefined, new Decoder(device, config, weights));
  const { globalSize, window, chunkSize } = methodFor(model, options).knobs;
  await timeRun(model, options, Math.min(length, globalSize + window + 2 * chunkSize), WARM_TOKENS);
  device.memory.resetPeak();
  const times = await timeRun(model, options, length, answer);
  return { ...times, peakBytes: device.memory.peakBytes };
}

async function timeRun(
  model: Model,
  options: PlanOptions,
  length: number,
  answer: number,
): Promise<{ prefillSeconds: number; tokenSeconds: number }> {
  const { device } = options;
  const { vocabularySize } = model.config;
  // A walk of a prime's steps through the vocabulary, pushed on each time round, so that contexts do not repeat.
  const tokens = Array.from({ length }, (_, index) => (index * 7919 + Math.floor(index / 1021)) % vocabularySize);
  using session = model.createSession(options);
  const begun = performance.now();
  await session.append(tokens);
  await device.finish();
  const read = performance.now();
  await session.generate([1], { maxTokens: answer, stopTokens: [] });
  return { prefillSeconds: (read - begun) / 1000, tokenSeconds: (performance.now() - read) / 1000 / answer };
}
