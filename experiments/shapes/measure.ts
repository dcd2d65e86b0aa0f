import type { KeyValueCache, StepAbout } from "../../lib/attention/mod.ts";
import type { Device } from "../../lib/gpu/mod.ts";
import { methodFor, type Model, Stepper } from "../../lib/model/mod.ts";
import { Tensor } from "../../lib/tensor/mod.ts";
import type { ModelPart } from "./arguments.ts";
import { type Contestant, type ContestantName, contestants } from "./contestants.ts";
import type { ShapesRow, StepKind, StepRow } from "./rows.ts";
import { stepCost } from "./step_cost.ts";
import { filledCache, type Storage } from "./storage.ts";
import { timeStep } from "./time_step.ts";

/** What is timed, and where rows go. */
export interface MeasureOptions {
  readonly name: string;
  readonly part: ModelPart;
  readonly methods: readonly ContestantName[];
  readonly lengths: readonly number[];
  /** Bytes that the adapter reads a second at best. */
  readonly bytesPerSecond: number;
  /** Whether there is time for more. */
  readonly goesOn: () => boolean;
  readonly report: (row: ShapesRow) => Promise<void>;
  /** Where what is no row goes. */
  readonly tell: (text: string) => void;
}

/** Times steps of a model at rising lengths, by every method as far as it fits. */
export async function measureModel(device: Device, model: Model, options: MeasureOptions): Promise<void> {
  const { name, part, lengths, goesOn, report, tell } = options;
  const methods = contestants(options.methods, model.config.trainedContext);
  const longestStep = Math.max(...methods.map(({ knobs }) => knobs.chunkSize ?? 0));
  const seen = new Map<string, "timed" | "failed">();
  for (const length of lengths) {
    if (!goesOn()) return;
    let filled;
    const start = performance.now();
    try {
      filled = await filledCache(device, model.decoder.attentionShape, length, longestStep);
    } catch (error) {
      const reason = (error as Error).message;
      for (const { method } of methods) await report({ kind: "left out", model: name, part, method, length, reason });
      return;
    }
    using cache = filled.cache;
    tell(`${length} tokens cached in ${filled.storage}, made in ${((performance.now() - start) / 1000).toFixed(1)} s`);
    for (const contestant of methods) {
      for (const step of ["decode", "prefill"] as const) {
        if (!goesOn()) return;
        // What did not fit at one length does not at a longer one.
        const which = `${contestant.method} ${step}`;
        if (seen.get(which) === "failed") continue;
        try {
          const compiled = seen.get(`${which} ${filled.storage}`) === "timed";
          await report(await measureStep(device, model, { ...filled, contestant, step, compiled }, options));
          seen.set(`${which} ${filled.storage}`, "timed");
        } catch (error) {
          seen.set(which, "failed");
          const reason = `${step}: ${(error as Error).message}`;
          await report({ kind: "left out", model: name, part, method: contestant.method, length, reason });
          cache.truncate(length);
        }
      }
    }
  }
}

/** A step to time. */
interface MeasuredStep {
  readonly cache: KeyValueCache;
  readonly storage: Storage;
  readonly contestant: Contestant;
  readonly step: StepKind;
  /** Whether its kernels ran before. */
  readonly compiled: boolean;
}

async function measureStep(
  device: Device,
  model: Model,
  { cache, storage, contestant, step, compiled }: MeasuredStep,
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
  const time = await timeStep(device, run, compiled);
  const shape = {
    length: length + rows,
    rows,
    phase: step,
    first: false,
    questionStart: about.questionStart as number,
  };
  const cost = stepCost(model.config, method, shape, part, storage);
  const seconds = (time.gpuMilliseconds ?? time.wallMilliseconds) / 1000;
  return {
    kind: "step",
    model: name,
    part,
    method: contestant.method,
    step,
    length,
    rows,
    storage,
    gpuMilliseconds: time.gpuMilliseconds,
    wallMilliseconds: time.wallMilliseconds,
    repeats: time.repeats,
    ...cost,
    shareOfReading: step === "decode" ? cost.bytes / seconds / bytesPerSecond : null,
    cacheBytes: cache.bytes,
    peakBytes: time.peakBytes,
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
