import { KeyValueCache, type StepAbout } from "../../lib/attention/mod.ts";
import { appendRandom } from "../../lib/attention/mod.ts";
import type { Device } from "../../lib/gpu/mod.ts";
import { methodFor, type Model, Stepper } from "../../lib/model/mod.ts";
import { Tensor } from "../../lib/tensor/mod.ts";
import { median } from "../bench/clock.ts";
import type { ModelPart } from "./arguments.ts";
import { type Contestant, contestants } from "./contestants.ts";
import type { ShapesRow, StepKind, StepRow } from "./rows.ts";
import { stepCost } from "./step_cost.ts";

/** Time that repeats of a step take together (a software adapter is only there to try the command), and the most of them. */
const ENOUGH_MILLISECONDS = { gpu: 800, software: 200 };
const MOST_REPEATS = 100;
/** A GPU that had nothing to do runs at low clocks: steps run for so long before any is timed. */
const WARM_MILLISECONDS = { gpu: 400, software: 0 };
/** Steps of one sample of the kernels' times, as many samples, and time after which no further one is begun. */
const SAMPLES = { steps: 4, count: 5, milliseconds: 1500 };

/** What is timed, and where rows go. */
export interface MeasureOptions {
  readonly name: string;
  readonly part: ModelPart;
  readonly lengths: readonly number[];
  /** Bytes that the adapter reads a second at best. */
  readonly bytesPerSecond: number;
  /** Whether there is time for more. */
  readonly goesOn: () => boolean;
  readonly report: (row: ShapesRow) => Promise<void>;
}

/** Times steps of a model at rising lengths, by every method as far as it fits. */
export async function measureModel(device: Device, model: Model, options: MeasureOptions): Promise<void> {
  const { name, part, lengths, goesOn, report } = options;
  const methods = contestants(model.config.trainedContext);
  const halves = device.info.f16 ? { keyType: "f16", valueType: "f16" } as const : {};
  using cache = new KeyValueCache(device, model.decoder.attentionShape, halves);
  const failed = new Set<string>();
  for (const length of lengths) {
    if (!goesOn()) return;
    try {
      cache.reserve(length + Math.max(...methods.map(({ knobs }) => knobs.chunkSize ?? 0)) - cache.lengths[0]);
      await appendRandom(cache, length - cache.lengths[0]);
      await device.finish();
    } catch (error) {
      const reason = (error as Error).message;
      for (const { label } of methods) {
        await report({ kind: "left out", model: name, part, method: label, length, reason });
      }
      return;
    }
    for (const contestant of methods) {
      for (const step of ["decode", "prefill"] as const) {
        if (!goesOn()) return;
        // What did not fit at one length does not at a longer one.
        const which = `${contestant.label} ${step}`;
        if (failed.has(which)) continue;
        try {
          await report(await measureStep(device, model, cache, contestant, step, options));
        } catch (error) {
          failed.add(which);
          const reason = `${step}: ${(error as Error).message}`;
          await report({ kind: "left out", model: name, part, method: contestant.label, length, reason });
          cache.truncate(length);
        }
      }
    }
  }
}

async function measureStep(
  device: Device,
  model: Model,
  cache: KeyValueCache,
  contestant: Contestant,
  step: StepKind,
  { name, part, bytesPerSecond }: MeasureOptions,
): Promise<StepRow> {
  const [length] = cache.lengths;
  const method = methodFor(model, contestant);
  const rows = step === "decode" ? 1 : method.knobs.chunkSize;
  using stepper = new Stepper(model, method, cache);
  // Reading goes before a question, decoding comes after one.
  const about: StepAbout = { phase: step, first: false, ...(step === "decode" && { questionStart: length }) };
  const run = async () => {
    await runStep(stepper, about, rows, part);
    cache.truncate(length);
  };
  const timed = async (count: number) => {
    const start = performance.now();
    for (let repeat = 0; repeat < count; repeat++) await run();
    await device.finish();
    return (performance.now() - start) / count;
  };
  const kind = device.info.software ? "software" : "gpu";
  await timed(1);
  device.memory.resetPeak();
  const started = performance.now();
  let once = await timed(1);
  const peakBytes = device.memory.peakBytes;
  // Steps of seconds have warmed it up by now.
  while (performance.now() - started < WARM_MILLISECONDS[kind]) once = await timed(4);
  const repeats = Math.max(1, Math.min(MOST_REPEATS, Math.floor(ENOUGH_MILLISECONDS[kind] / once)));
  const wallMilliseconds = repeats > 1 ? await timed(repeats) : once;
  const gpuMilliseconds = await kernelMilliseconds(device, run);
  const shape = {
    length: length + rows,
    rows,
    phase: step,
    first: false,
    questionStart: about.questionStart as number,
  };
  const cost = stepCost(model.config, method, shape, part);
  const seconds = (gpuMilliseconds ?? wallMilliseconds) / 1000;
  return {
    kind: "step",
    model: name,
    part,
    method: contestant.label,
    step,
    length,
    rows,
    gpuMilliseconds,
    wallMilliseconds,
    repeats,
    ...cost,
    shareOfReading: step === "decode" ? cost.bytes / seconds / bytesPerSecond : null,
    cacheBytes: cache.bytes,
    peakBytes,
  };
}

/** One layer's output is what is timed of it; of a whole model's prefill nothing but the cache is wanted, as when reading. */
async function runStep(stepper: Stepper, about: StepAbout, rows: number, part: ModelPart): Promise<void> {
  const ids = Uint32Array.from({ length: rows }, (_, row) => 8 + row % 64);
  using tokens = Tensor.from(stepper.cache.device, ids, [1, rows]);
  if (part === "whole" && about.phase === "prefill") return await stepper.fill(tokens, about);
  using hidden = await stepper.step(tokens, about);
  if (part === "layer") return;
  using _logits = stepper.model.decoder.logits(hidden);
}

/** GPU time of a step's kernels, the median of several; each call is a pass of its own then, so the clock says nothing. */
async function kernelMilliseconds(device: Device, run: () => Promise<void>): Promise<number | null> {
  if (!device.info.timestamps || device.info.software) return null;
  device.profiler.enabled = true;
  try {
    await device.kernelTimes();
    const samples: number[] = [];
    const started = performance.now();
    while (samples.length < SAMPLES.count && performance.now() - started < SAMPLES.milliseconds) {
      // Several steps a sample: reading times waits, and a GPU that waits slows down.
      const steps = samples.length === 0 ? 1 : SAMPLES.steps;
      for (let step = 0; step < steps; step++) await run();
      samples.push((await device.kernelTimes()).reduce((sum, { milliseconds }) => sum + milliseconds, 0) / steps);
    }
    return median(samples);
  } finally {
    device.profiler.enabled = false;
  }
}
