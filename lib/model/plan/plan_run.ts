import type { Device, MemoryFigure } from "../../gpu/mod.ts";
import { hotBytesOf } from "../../attention/mod.ts";
import { freeDiskBytesNow, memoryLimitBytes } from "../../platform.ts";
import type { ModelConfig } from "../config/config.ts";
import type { WeightType } from "../weights/decoder_weights.ts";
import type { SessionOptions } from "../model.ts";
import { methodFor, type MethodModel } from "../session/session_method.ts";
import { attentionShapeOf } from "../config/attention_shape.ts";
import { type CountedBytes, countRun, type RunToCount } from "./count_run.ts";
import { estimateTime } from "./estimate.ts";
import type { PlanChange, PlannedRun, TierBytes } from "./run_plan.ts";
import { gibibytes, grouped } from "./words.ts";

/** What is to be run. */
export interface PlanOptions extends SessionOptions {
  /** The device that it would run on; nothing of it is used but its limits, unless time is asked for. */
  readonly device: Device;
  /** The model's config: of a loaded model, from `parseConfig`, or of a known shape (`configOfShape`). */
  readonly config: ModelConfig;
  /** Tokens of the context. */
  readonly length: number;
  /** Tokens of the answer. Default 64. */
  readonly answer?: number;
  /** Type of the matrices on the GPU. Default "f32". */
  readonly weights?: WeightType;
  /** Whether to estimate the time too, which runs a few steps on the device. Default false. */
  readonly time?: boolean;
}

/** Tries of a shorter length before none is offered. */
const SHORTER_TRIES = 4;

/**
 * Tells what a run will take before anything is allocated: bytes by tier and kind, whether they fit, what to change where they
 * don't, and, if asked, the time. The bytes come from the run's own code, run on a device that only counts.
 *
 * @throws {RangeError} for knobs that a session refuses, or a length that is none.
 *
 * @example Whether a million tokens of the embedded model fit
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { configOfShape, planRun } from "@reattention/toolkit/model";
 * import { assert } from "@std/assert";
 *
 * using device = await Device.open();
 * const plan = await planRun({ device, config: configOfShape("llama-3.1-8b"), length: 2 ** 20, method: "reattention" });
 * assert(plan.tiers[0].keys > 100 * 2 ** 30);
 * ```
 */
export async function planRun(options: PlanOptions): Promise<PlannedRun> {
  const { device, config } = options;
  const run = completed(options);
  const method = methodFor(modelOf(config), options);
  const room = device.memory.roomBytes + device.memory.liveBytes + device.memory.idleBytes;
  const counted = await countRun(device, config, run);
  const gpu = tierOf(counted, room);
  const tooMuch = gpu.total > room
    ? `it takes ${gibibytes(gpu.total)} of the ${gibibytes(room)} that ${
      device.info.software ? "RAM and this process's memory limits" : "the GPU"
    } can give`
    : undefined;
  const outside = outsideTiers(device, run, counted, gpu);
  const noRoom = outside.filter(({ total, room }) => total > room).map(({ tier, keys, total, room }) => {
    return `${keys > 0 ? "keys and values" : "values"} take ${gibibytes(total)} of the ${gibibytes(room)} ${
      tier === "host" ? "of host memory that are left" : "that are free on the disk"
    }`;
  });
  const reasons = [tooMuch, ...noRoom, counted.refusal].filter((reason) => reason !== undefined);
  const fits = reasons.length === 0;
  return {
    method: method.name,
    length: run.length,
    answer: run.answer,
    storage: { weights: run.weights, keys: run.cache?.keyType ?? "f32", values: run.cache?.valueType ?? "f32" },
    adapter: device.info.name,
    tiers: [gpu, ...outside],
    fits,
    reasons,
    changes: fits ? [] : await changesThatFit(device, config, run, gpu),
    ...(options.time && { time: await estimateTime(device, config, method, run) }),
  };
}

function modelOf(config: ModelConfig): MethodModel {
  return { config, decoder: { attentionShape: attentionShapeOf(config) } };
}

function completed({ length, answer = 64, weights = "f32", ...options }: PlanOptions): RunToCount {
  for (const [name, value] of [["length", length], ["answer", answer]] as const) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`planRun: ${name} ${value} must be a whole number of at least 1`);
    }
  }
  return { ...options, length, answer, weights };
}

function tierOf({ resident, peak, loadingPeak }: CountedBytes, room: number): TierBytes {
  const of = (wanted: (label: string) => boolean) => {
    return resident.filter(({ label }: MemoryFigure) => wanted(label)).reduce(
      (sum, { liveBytes }) => sum + liveBytes,
      0,
    );
  };
  const [weights, keys, values] = ["weights", "keys", "values"].map((name) => of((label) => label === name));
  const metadata = of(() => true) - weights - keys - values;
  const total = Math.max(peak, loadingPeak);
  const scratch = Math.max(0, total - weights - keys - values - metadata);
  return { tier: "gpu", weights, keys, values, metadata, scratch, total, room };
}

/** What keys and values outside the GPU take of host memory and of the disk. A software adapter's memory is the host's too. */
function outsideTiers(
  { info, memory }: Device,
  { cache }: RunToCount,
  { outside }: CountedBytes,
  gpu: TierBytes,
): TierBytes[] {
  if (outside.values === 0) return [];
  const left = info.software ? memory.roomBytes + memory.liveBytes + memory.idleBytes - gpu.total : memoryLimitBytes();
  const of = (tier: TierBytes["tier"], most: number, room: number): TierBytes => {
    const [keys, values] = [outside.keys, outside.values].map((bytes) => Math.min(bytes, most));
    return { tier, weights: 0, keys, values, metadata: 0, scratch: 0, total: keys + values, room: Math.max(0, room) };
  };
  // Values are with keys where only those are told.
  if ((cache?.valuesOn ?? cache?.keysOn) !== "file") return [of("host", Infinity, left)];
  const disk = freeDiskBytesNow(cache?.valuesFile?.folder);
  return [of("host", hotBytesOf(cache?.valuesFile), left), of("file", Infinity, disk)];
}

/** Single changes after which the run fits, tried one by one. */
async function changesThatFit(
  device: Device,
  config: ModelConfig,
  run: RunToCount,
  tier: TierBytes,
): Promise<PlanChange[]> {
  const changes: PlanChange[] = [];
  const { keysOn = "gpu", valuesOn = keysOn } = run.cache ?? {};
  const consider = async (change: string, changed: Partial<RunToCount>): Promise<boolean> => {
    const { peak, loadingPeak, refusal } = await countRun(device, config, { ...run, ...changed });
    const total = Math.max(peak, loadingPeak);
    const fits = refusal === undefined && total <= tier.room;
    if (fits) changes.push({ change, total });
    return fits;
  };
  if (device.info.f16 && run.weights === "f32") await consider("weights in f16", { weights: "f16" });
  const weights = device.info.f16 ? "f16" : run.weights;
  for (const type of device.info.f16 ? ["f16", "int8"] as const : ["int8"] as const) {
    if (keysOn !== "gpu" || run.cache?.keyType === type || run.cache?.keyType === "int8") continue;
    // Outside the GPU values are f32.
    const cache = { ...run.cache, keyType: type, ...(valuesOn === "gpu" && { valueType: type }) };
    const what = valuesOn === "gpu" ? `keys and values in ${type}` : `keys in ${type}`;
    if (await consider(what, { cache }) || run.weights === weights) continue;
    await consider(`${what}, weights in f16`, { cache, weights });
  }
  const { readsKeysFor, readsValuesFor } = methodFor(modelOf(config), run);
  // A software adapter's memory is the host's.
  const places = device.info.software ? ["file"] as const : ["host", "file"] as const;
  const named = { host: "host memory", file: "a file" };
  if (valuesOn === "gpu" && !readsValuesFor) {
    const cache = { ...run.cache, valueType: "f32" } as const;
    for (const place of places) await consider(`values in ${named[place]}`, { cache: { ...cache, valuesOn: place } });
  }
  if (keysOn === "gpu" && !readsKeysFor && !readsValuesFor) {
    const cache = { ...run.cache, keyType: "f32", valueType: "f32" } as const;
    for (const place of places.filter((place) => valuesOn === "gpu" || valuesOn === place)) {
      await consider(`keys and values in ${named[place]}`, { cache: { ...cache, keysOn: place, valuesOn: place } });
    }
  }
  if (run.method === "full") await consider('the method "reattention"', { method: "reattention" });
  // What does not grow with the length stays; the rest shrinks with it.
  let length = run.length;
  for (let tries = 0; tries < SHORTER_TRIES && length > 0; tries++) {
    const share = tier.total > 0
      ? (tier.room - (tier.total - tier.keys - tier.values)) / (tier.keys + tier.values)
      : 0.5;
    length = Math.floor(Math.min(length * (0.95 - 0.15 * tries), run.length * share * (0.97 - 0.15 * tries)) / 256) *
      256;
    if (length > 0 && await consider(`a context of ${grouped(length)} tokens`, { length })) break;
  }
  return changes;
}
