import type { Device, MemoryFigure } from "../../gpu/mod.ts";
import { type CacheOptions, hotBytesOf, type ValuesPlace, valuesPlaces } from "../../attention/mod.ts";
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
  const tiers = tiersOf(device, run, counted, room);
  const [gpu, ...outside] = tiers;
  const tooMuch = gpu.total > room
    ? `it takes ${gibibytes(gpu.total)} of the ${gibibytes(room)} that ${
      device.info.software ? "RAM and this process's memory limits" : "the GPU"
    } can give`
    : undefined;
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
    tiers,
    fits,
    reasons,
    changes: fits ? [] : await changesThatFit(device, config, run, tiers),
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

/** What a run takes: on the GPU, and outside where anything lies there. */
function tiersOf(device: Device, run: RunToCount, counted: CountedBytes, room: number): [TierBytes, ...TierBytes[]] {
  const gpu = gpuTier(counted, room);
  return [gpu, ...outsideTiers(device, run, counted, gpu)];
}

function gpuTier({ resident, peak, loadingPeak }: CountedBytes, room: number): TierBytes {
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
  tiers: readonly [TierBytes, ...TierBytes[]],
): Promise<PlanChange[]> {
  const changes: PlanChange[] = [];
  const { keysOn = "gpu", valuesOn = keysOn } = run.cache ?? {};
  const consider = async (change: string, changed: Partial<RunToCount>): Promise<boolean> => {
    const other = { ...run, ...changed };
    const counted = await countRun(device, config, other);
    const needed = tiersOf(device, other, counted, tiers[0].room);
    const fits = counted.refusal === undefined && needed.every(({ total, room }) => total <= room);
    if (fits) changes.push({ change, total: needed[0].total });
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
  for (const { change, ...places } of placesBeyond(device, config, run)) {
    await consider(change, { cache: { ...run.cache, ...places } });
  }
  // Its scores read keys on the GPU.
  if (run.method === "full" && keysOn === "gpu") await consider('the method "reattention"', { method: "reattention" });
  // What does not grow with the length stays; the rest shrinks with it.
  let length = run.length;
  for (let tries = 0; tries < SHORTER_TRIES && length > 0; tries++) {
    const share = Math.min(...tiers.map(shareThatFits));
    length = Math.floor(Math.min(length * (0.95 - 0.15 * tries), run.length * share * (0.97 - 0.15 * tries)) / 256) *
      256;
    if (length > 0 && await consider(`a context of ${grouped(length)} tokens`, { length })) break;
  }
  return changes;
}

/** The part of a tier's keys and values that fits it. */
function shareThatFits({ keys, values, total, room }: TierBytes): number {
  if (total === 0) return 0.5;
  return keys + values > 0 ? (room - (total - keys - values)) / (keys + values) : 1;
}

/** Farther places than a run's for its values, and for keys with them, where its method lets them lie there. */
function placesBeyond(device: Device, config: ModelConfig, run: RunToCount): (CacheOptions & { change: string })[] {
  const { keysOn = "gpu", valuesOn = keysOn } = run.cache ?? {};
  const { readsKeysFor, readsValuesFor } = methodFor(modelOf(config), run);
  const beyond = (place: ValuesPlace) => valuesPlaces.slice(valuesPlaces.indexOf(place) + 1);
  // A software adapter's memory is the host's.
  const there = (["host", "file"] as const).filter((place) => place === "file" || !device.info.software);
  const named = { host: "host memory", file: "a file" };
  const values = there.filter((place) => !readsValuesFor && keysOn === "gpu" && beyond(valuesOn).includes(place));
  const both = there.filter((place) => {
    return !readsValuesFor && !readsKeysFor && beyond(keysOn).includes(place) && !beyond(place).includes(valuesOn);
  });
  return [
    ...values.map((place) => ({ change: `values in ${named[place]}`, valuesOn: place, valueType: "f32" as const })),
    ...both.map((place) => ({
      change: `keys and values in ${named[place]}`,
      keysOn: place,
      valuesOn: place,
      keyType: "f32" as const,
      valueType: "f32" as const,
    })),
  ];
}
