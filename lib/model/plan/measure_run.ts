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
  /**
   * Seconds that each further token takes: an answer less a short one, over the tokens between, of a few of either the fastest. What
   * comes once an answer, such as the wait for its tokens, is no token's.
   */
  readonly tokenSeconds: number;
  /** Most bytes at once on the device, from the loaded weights on. */
  readonly peakBytes: number;
}

/** Tokens of a short answer, which compiles kernels too. */
const SHORT_ANSWER = 4;
/** Milliseconds of short runs before, after which a card's clocks are up. */
const WARM_UP = 500;
/** Answers of either length at most, and seconds after which no further one is begun. */
const ANSWERS = 3;
const ANSWERS_SECONDS = 2;

/**
 * Makes a planned run with random weights and tokens, so that its plan can be set beside it. Short runs before it compile the kernels and,
 * on a GPU, get its clocks up.
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
  const begun = performance.now();
  do {
    await timeRun(model, options, Math.min(length, globalSize + window + 2 * chunkSize), SHORT_ANSWER);
  } while (!device.info.software && performance.now() - begun < WARM_UP);
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
  const seconds = async (tokens: number) => {
    const start = performance.now();
    await session.generate([1], { maxTokens: tokens, stopTokens: [] });
    return (performance.now() - start) / 1000;
  };
  let whole = await seconds(answer);
  // What follows makes the cache longer than the run's.
  const { peakBytes } = device.memory;
  const further = Math.max(0, answer - SHORT_ANSWER);
  let short = further > 0 ? Infinity : 0;
  for (let count = 0; count < ANSWERS && (count === 0 || performance.now() - read < 1000 * ANSWERS_SECONDS); count++) {
    if (further > 0) short = Math.min(short, await seconds(SHORT_ANSWER));
    if (count > 0) whole = Math.min(whole, await seconds(answer));
  }
  const tokenSeconds = Math.max(0, whole - short) / (further || answer);
  return { prefillSeconds: (read - begun) / 1000, tokenSeconds, peakBytes };
}
