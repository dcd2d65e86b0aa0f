import { ReadBatches } from "../decoder/read_batches.ts";
import type { Stepper } from "../decoder/stepper.ts";
import { Tensor } from "../../tensor/mod.ts";

/** How long and how often steps are timed. */
export interface StepTiming {
  /** Samples at most, after steps that compile kernels and, on a GPU, get its clocks up. Default 4. */
  readonly repeats?: number;
  /** Steps of a sample, at least; on a GPU as many times that as it takes to dwarf the wait at a sample's end. Default 8. */
  readonly steps?: number;
  /** Milliseconds that samples take together, about, before no more are made; there is always one. Default 4,000. */
  readonly milliseconds?: number;
  /** Whether nothing but the cache is wanted of the steps, as when a context is read. Default: of steps of one row, logits too. */
  readonly fills?: boolean;
  /** Whether tokens are waited for as often as in a long answer; a sample of few steps waits for none. Default: no. */
  readonly reads?: boolean;
}

/** Milliseconds after which a card's clocks are up. */
const WARM_UP = 500;
/** Milliseconds of a sample on a GPU, about: the wait at its end can take 25. */
const SAMPLE = 400;
/** A sample's steps, as a multiple of the least, at most. */
const MOST_TIMES = 32;

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
  { repeats = 4, steps = 8, milliseconds = 4000, fills = false, reads = false }: StepTiming = {},
): Promise<number> {
  const { cache, model: { decoder, config } } = stepper;
  const { device } = cache;
  const before = cache.lengths;
  const size = cache.batch * rows;
  const tokens = Uint32Array.from({ length: size }, (_, index) => index % config.vocabularySize);
  using ids = Tensor.from(device, tokens, [cache.batch, rows]);
  const sample = async (count: number): Promise<number> => {
    await device.finish();
    const start = performance.now();
    const batches = new ReadBatches(start);
    let [read, due]: [Promise<unknown> | undefined, number] = [undefined, batches.next()];
    for (let step = 0; step < count; step++) {
      const about = { phase: rows === 1 ? "decode" : "prefill", first: false, questionStart: undefined } as const;
      if (fills) await stepper.fill(ids, about);
      else {
        using hidden = await stepper.step(ids, about);
        using _logits = rows === 1 ? decoder.logits(hidden) : undefined;
      }
      // While the next tokens are on their way, as an answer does.
      if (reads && step + 1 === due) {
        await read;
        read = stepper.readScope();
        batches.came(due, performance.now());
        due += batches.next();
      }
      // A long sample must not grow the context that it is about.
      if (step % steps === steps - 1) cache.truncate(before);
    }
    await read;
    await device.finish();
    const seconds = (performance.now() - start) / 1000 / count;
    cache.truncate(before);
    return seconds;
  };
  // The first step compiles kernels, which can take longer than all others. Steps of a held selection come in turns, so that the
  // least of whole samples counts, not of steps.
  const first = await sample(1);
  // Compiling is a small part of a step that slow on a software adapter.
  if (device.info.software && 1000 * first > milliseconds) return first;
  const usual = device.info.software ? steps : await warmUp(sample, steps);
  const began = performance.now();
  let least = Infinity;
  for (let repeat = 0; repeat < repeats; repeat++) {
    if (repeat > 0 && performance.now() - began > milliseconds * repeat / repeats) break;
    least = Math.min(
      least,
      await sample(device.info.software && repeat === 0 && first > milliseconds / 1000 / steps ? 1 : usual),
    );
  }
  return least;
}

/** Runs steps until a card that had nothing to do has its clocks up; tells how many steps make a sample. */
async function warmUp(sample: (count: number) => Promise<number>, steps: number): Promise<number> {
  let last = 0;
  for (const began = performance.now(); performance.now() - began < WARM_UP;) last = await sample(steps);
  return steps * Math.min(MOST_TIMES, Math.max(1, Math.ceil(SAMPLE / 1000 / (steps * last))));
}
