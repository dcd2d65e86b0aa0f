import type { Stepper } from "../stepper.ts";
import { Tensor } from "../../tensor/mod.ts";

/** How long and how often steps are timed. */
export interface StepTiming {
  /** Samples at most, after a first step that compiles kernels. Default 4. */
  readonly repeats?: number;
  /** Steps of a sample; the wait at its end takes as long as a short step. Default 8. */
  readonly steps?: number;
  /** Milliseconds that samples take together, about, before no more are made. Default 4,000. */
  readonly milliseconds?: number;
}

/**
 * Times steps of `rows` tokens at the end of a stepper's cache, which is as it was afterwards.
 *
 * @returns seconds a step, the least of the samples; a step of one row makes logits too
 *
 * @example A decode step behind 1,000 random tokens
 * ```ts
 * import { appendRandom, createMethod, KeyValueCache, presets } from "@reattention/toolkit/attention";
 * import { Device } from "@reattention/toolkit/gpu";
 * import { loadModel, Stepper, timeSteps } from "@reattention/toolkit/model";
 * import { assert } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const shape = model.decoder.attentionShape;
 * using cache = new KeyValueCache(device, shape);
 * await appendRandom(cache, 1000);
 * using stepper = new Stepper(model, createMethod("reattention", presets.demo, shape), cache);
 * assert(await timeSteps(stepper, 1, { repeats: 1, steps: 2 }) > 0);
 * ```
 */
export async function timeSteps(
  stepper: Stepper,
  rows: number,
  { repeats = 4, steps = 8, milliseconds = 4000 }: StepTiming = {},
): Promise<number> {
  const { cache, model: { decoder, config } } = stepper;
  const { device } = cache;
  const before = cache.lengths;
  const size = cache.batch * rows;
  const tokens = Uint32Array.from({ length: size }, (_, index) => index % config.vocabularySize);
  using ids = Tensor.from(device, tokens, [cache.batch, rows]);
  let least = Infinity;
  const began = performance.now();
  for (let repeat = 0; repeat <= repeats; repeat++) {
    // A step that takes so long is little slower for compiling.
    if (repeat > 0 && performance.now() - began > milliseconds * repeat / repeats) break;
    const count = repeat === 0 ? 1 : steps;
    await device.finish();
    const start = performance.now();
    for (let step = 0; step < count; step++) {
      const about = { phase: rows === 1 ? "decode" : "prefill", first: false, questionStart: undefined } as const;
      using hidden = await stepper.step(ids, about);
      using _logits = rows === 1 ? decoder.logits(hidden) : undefined;
    }
    await device.finish();
    least = Math.min(least, (performance.now() - start) / 1000 / count);
    cache.truncate(before);
  }
  return least;
}
