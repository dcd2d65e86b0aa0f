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
  /** Seconds a token of an answer, the least of a few answers: the first one's first step compiles kernels. */
  readonly tokenSeconds: number;
  /** Most bytes at once on the device, from the loaded weights on. */
  readonly peakBytes: number;
}

/** Tokens of an answer before those that are timed. */
const WARM_TOKENS = 4;
/** Answers at most, and seconds after which no further one is begun. */
const ANSWERS = 3;
const ANSWERS_SECONDS = 2;

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
  return await timeRun(model, options, length, answer);
}

async function timeRun(model: Model, options: PlanOptions, length: number, answer: number): Promise<MeasuredRun> {
  const { device } = options;
  const { vocabularySize } = model.config;
  // A walk of a prime's steps through the vocabulary, pushed on each time round, so that contexts do not repeat.
  const tokens = Array.from({ length }, (_, index) => (index * 7919 + Math.floor(index / 1021)) % vocabularySize);
  using session = model.createSession(options);
  const begun = performance.now();
  await session.append(tokens);
  await device.finish();
  const read = performance.now();
  let tokenSeconds = Infinity;
  // Further answers make the cache longer than the run's, so that its bytes are those of the first.
  let peakBytes: number | undefined;
  for (let count = 0; count < ANSWERS && performance.now() - read < 1000 * ANSWERS_SECONDS; count++) {
    const start = performance.now();
    await session.generate([1], { maxTokens: answer, stopTokens: [] });
    tokenSeconds = Math.min(tokenSeconds, (performance.now() - start) / 1000 / answer);
    peakBytes ??= device.memory.peakBytes;
  }
  return { prefillSeconds: (read - begun) / 1000, tokenSeconds, peakBytes: peakBytes! };
}
