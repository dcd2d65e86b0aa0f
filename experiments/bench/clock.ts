import type { Device } from "../../lib/gpu/mod.ts";
import { keepBusy } from "./keep_busy.ts";

/** One repeat of a case. */
export interface Sample {
  /** Milliseconds of one run on the GPU; undefined where it is not told. */
  gpu?: number;
  /** Milliseconds of one run by the clock, waiting included. */
  wall: number;
  /** Which of them counts. A software adapter's runs end with their submit, copies included: there it is the clock. */
  counts: "gpu" | "wall";
}

/** What repeats of a case come to. */
export interface Timing {
  /** Median time in milliseconds: on a GPU with timestamps its kernels', by the clock elsewhere. */
  milliseconds: number;
  /** Slowest less fastest. */
  spread: number;
  /** Median wall time. */
  wallMilliseconds: number;
  /** Median GPU time of the kernels; null where it is not told. Copies are not in it. */
  gpuMilliseconds: number | null;
}

/** Something that can be timed: ours in this process, or a peer in its own. */
export interface Contender {
  /** "ours", or the peer's name. */
  readonly implementation: string;
  /** Runs so many times in a row and waits for the GPU once, at the end. */
  sample(runs: number): Promise<Sample>;
}

/** Times work that is recorded on a device; `record` makes one run, and what it returns is disposed. */
export class RecordedWork implements Contender {
  readonly implementation: string;
  readonly #device: Device;
  readonly #record: () => Disposable | void;

  constructor(device: Device, record: () => Disposable | void, implementation = "ours") {
    this.#device = device;
    this.#record = record;
    this.implementation = implementation;
  }

  async sample(runs: number): Promise<Sample> {
    const device = this.#device;
    device.profiler.enabled = false;
    await device.finish();
    const start = performance.now();
    for (let run = 0; run < runs; run++) this.#record()?.[Symbol.dispose]();
    await device.finish();
    const wall = (performance.now() - start) / runs;
    const counts = device.info.software ? "wall" : "gpu";
    if (!device.info.timestamps) return { wall, counts };
    const short = wall < SHORT && !device.info.software;
    const gpu = await this.#gpuTime(short ? Math.min(runs, SHORT_RUNS) : runs);
    return { wall, counts, gpu };
  }

  /**
   * Milliseconds of a run by timestamps around all of them, back to back as in a decode step. A card that idles lowers its clocks,
   * and raises them later than most samples take: runs are recorded while it is kept busy, and follow at once. (A single run is a trial.)
   */
  async #gpuTime(runs: number): Promise<number> {
    const device = this.#device;
    if (runs > 1 && !device.info.software) await keepBusy(device);
    device.profiler.together = true;
    device.profiler.enabled = true;
    for (let run = 0; run < runs; run++) this.#record()?.[Symbol.dispose]();
    const passes = await device.kernelTimes();
    device.profiler.enabled = false;
    device.profiler.together = false;
    return passes.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / runs;
  }
}

/** How contenders are timed. */
export interface TimingOptions {
  /** Samples of each. */
  readonly repeats: number;
  /** How long a sample should take by the clock. Default: long enough for waits for the GPU, 10 ms and more, to count little. */
  readonly sampleMilliseconds?: number;
}

const SAMPLE_MILLISECONDS = 250;
const MOST_RUNS = 400;
/** Runs that take less milliseconds by the clock leave a GPU idle while they are recorded. So many are timed by the GPU then. */
const SHORT = 2;
const SHORT_RUNS = 128;
/** Runs that take longer are repeated less. */
const SLOW = 2000;

/**
 * Times contenders in turns: one sample of each, then the next of each, so that a machine's moods meet all alike.
 *
 * @returns a timing for each, in their order
 */
export async function timeInTurns(
  contenders: readonly Contender[],
  { repeats, sampleMilliseconds = SAMPLE_MILLISECONDS }: TimingOptions,
): Promise<Timing[]> {
  const runs: number[] = [];
  let slowest = 0;
  for (const contender of contenders) {
    // The first run compiles, the second shows about how long a run takes.
    const { wall: cold } = await contender.sample(1);
    const { wall } = cold > SLOW ? { wall: cold } : await contender.sample(1);
    slowest = Math.max(slowest, wall);
    const wanted = Math.ceil(sampleMilliseconds / Math.max(wall, 0.05));
    if (wanted > 4) {
      const { wall: better } = await contender.sample(4);
      runs.push(Math.min(MOST_RUNS, Math.max(1, Math.ceil(sampleMilliseconds / Math.max(better, 0.02)))));
    } else runs.push(wanted);
  }
  const samples = contenders.map((): Sample[] => []);
  const turns = slowest > SLOW ? Math.min(repeats, 3) : repeats;
  for (let repeat = 0; repeat < turns; repeat++) {
    for (const [index, contender] of contenders.entries()) samples[index].push(await contender.sample(runs[index]));
  }
  return samples.map(summary);
}

function summary(samples: readonly Sample[]): Timing {
  const walls = samples.map(({ wall }) => wall);
  const kernels = samples.flatMap(({ gpu }) => gpu ? [gpu] : []);
  const times = samples.map(({ counts, gpu, wall }) => counts === "gpu" && gpu ? gpu : wall);
  return {
    milliseconds: median(times),
    spread: Math.max(...times) - Math.min(...times),
    wallMilliseconds: median(walls),
    gpuMilliseconds: kernels.length ? median(kernels) : null,
  };
}

/** The middle value; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
