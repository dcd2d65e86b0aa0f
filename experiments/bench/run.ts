import type { Device } from "../../lib/gpu/mod.ts";
import type { BenchCase } from "./bench_case.ts";
import { type Contender, RecordedWork, timeInTurns, type Timing } from "./clock.ts";
import type { Limits } from "./limits.ts";
import type { Peer } from "./peers.ts";
import type { Row } from "./row.ts";

/** What came of a case. */
export interface CaseResult {
  /** Rows, ours first. */
  rows: Row[];
  /** Implementations that were left out, with the reason. */
  left: string[];
}

const REPEATS = 7;
/** A sample by the clock where timestamps are what counts: short, since a GPU that idles between runs clocks down. */
const GPU_SAMPLE_MILLISECONDS = 100;

/** Compares, then times ours and every peer that can do the case, in turns. */
export async function runCase(
  device: Device,
  limits: Limits,
  peers: readonly Peer[],
  item: BenchCase,
): Promise<CaseResult> {
  using open = item.open(device);
  const left: string[] = [];
  const error = await open.error();
  if (!(error <= item.tolerance)) {
    return { rows: [], left: [`ours: error ${error.toExponential(1)} is past ${item.tolerance}`] };
  }
  const contenders: Contender[] = [new RecordedWork(device, () => open.record())];
  const errors = [error];
  for (const peer of item.peer ? peers : []) {
    const answer = await peer.prepare(item.peer!);
    if (typeof answer === "string") left.push(`${peer.implementation}: ${answer}`);
    else if (answer <= Math.max(item.tolerance, 1e-3)) {
      contenders.push(peer);
      errors.push(answer);
    } else left.push(`${peer.implementation}: error ${answer.toExponential(1)}`);
  }
  const sampleMilliseconds = device.info.software ? undefined : GPU_SAMPLE_MILLISECONDS;
  const timings = await timeInTurns(contenders, { repeats: REPEATS, sampleMilliseconds });
  const rows = contenders.map(({ implementation }, index) =>
    rowOf(item, implementation, errors[index], ofOne(timings[index], item.perRun), limits)
  );
  return { rows, left };
}

function ofOne(timing: Timing, perRun = 1): Timing {
  return {
    milliseconds: timing.milliseconds / perRun,
    spread: timing.spread / perRun,
    wallMilliseconds: timing.wallMilliseconds / perRun,
    gpuMilliseconds: timing.gpuMilliseconds && timing.gpuMilliseconds / perRun,
  };
}

function rowOf(item: BenchCase, implementation: string, error: number, timing: Timing, limits: Limits): Row {
  const { group, shape, dtype, limit, amount } = item;
  const most = limit === "copy" ? limits.bytesPerSecond : limits.flops;
  const notes = implementation === "ours" ? item.notes?.(timing.milliseconds) : undefined;
  return {
    group,
    shape,
    dtype,
    implementation,
    ...timing,
    shareOfLimit: limit && amount / timing.milliseconds * 1000 / most,
    limit,
    amount,
    error,
    ...(notes && { notes }),
  };
}
