import type { Device } from "../../lib/gpu/mod.ts";
import { median } from "../bench/clock.ts";

/** Time that repeats of a step take together (a software adapter is only there to try the command), and the most of them. */
const ENOUGH_MILLISECONDS = { gpu: 400, software: 200 };
const MOST_REPEATS = 100;
/** A GPU that had nothing to do runs at low clocks: steps run for so long before any is timed. */
const WARM_MILLISECONDS = { gpu: 300, software: 0 };
/** Steps of one sample of the kernels' times, as many samples, and time after which no further one is begun. */
const SAMPLES = { steps: 4, count: 5, milliseconds: 600 };
/** A step that takes so long is timed once: it warms the GPU up itself. */
const LONG_MILLISECONDS = 1500;
/** Kernels take at least this share of such a step, or it is timed again. */
const KERNELS_SHARE = 0.8;

/** How long a step takes. */
export interface StepTime {
  /** Of its kernels; null where the adapter does not tell. */
  readonly gpuMilliseconds: number | null;
  readonly wallMilliseconds: number;
  /** Steps timed by the clock. */
  readonly repeats: number;
  /** Most bytes of GPU buffers in use at once. */
  readonly peakBytes: number;
}

/**
 * Times a step that leaves everything as it was.
 *
 * @param compiled whether its kernels ran before: otherwise the first run does not count, unless it takes seconds on the GPU
 */
export async function timeStep(device: Device, run: () => Promise<void>, compiled: boolean): Promise<StepTime> {
  const timed = async (count: number) => {
    const start = performance.now();
    for (let repeat = 0; repeat < count; repeat++) await run();
    await device.finish();
    return (performance.now() - start) / count;
  };
  const kind = device.info.software ? "software" : "gpu";
  const profiledOnce = async () => {
    const { result, kernels } = await profiled(device, () => timed(1));
    return { gpuMilliseconds: kernels, wallMilliseconds: result, repeats: 1 };
  };
  device.memory.resetPeak();
  let started = performance.now();
  let single = await profiledOnce();
  const { peakBytes } = device.memory;
  // The first step compiles kernels, or makes windows of the rotary table: it counts where all of that was little beside the GPU's work.
  const long = single.gpuMilliseconds !== null && single.wallMilliseconds > LONG_MILLISECONDS;
  if (hostBound(single) || (!compiled && !long)) {
    started = performance.now();
    single = await profiledOnce();
  }
  if (single.wallMilliseconds > LONG_MILLISECONDS) return { ...single, peakBytes };
  let once = single.wallMilliseconds;
  do once = await timed(once > WARM_MILLISECONDS[kind] / 4 ? 1 : 4); while (
    performance.now() - started < WARM_MILLISECONDS[kind]
  );
  const repeats = Math.max(1, Math.min(MOST_REPEATS, Math.floor(ENOUGH_MILLISECONDS[kind] / once)));
  const wallMilliseconds = await timed(repeats);
  const gpuMilliseconds = await kernelMilliseconds(device, run);
  return { gpuMilliseconds, wallMilliseconds, repeats, peakBytes };
}

function hostBound({ gpuMilliseconds, wallMilliseconds }: Omit<StepTime, "peakBytes">): boolean {
  return wallMilliseconds > LONG_MILLISECONDS && gpuMilliseconds !== null &&
    gpuMilliseconds < KERNELS_SHARE * wallMilliseconds;
}

/** GPU time of a step's kernels, the median of several; each call is a pass of its own then, so the clock says nothing of short ones. */
async function kernelMilliseconds(device: Device, run: () => Promise<void>): Promise<number | null> {
  const samples: number[] = [];
  const started = performance.now();
  while (samples.length < SAMPLES.count && performance.now() - started < SAMPLES.milliseconds) {
    // Several steps a sample: reading times waits, and a GPU that waits slows down.
    const steps = samples.length === 0 ? 1 : SAMPLES.steps;
    const { kernels } = await profiled(device, async () => {
      for (let step = 0; step < steps; step++) await run();
    });
    if (kernels === null) return null;
    samples.push(kernels / steps);
  }
  return median(samples);
}

/** Runs something with the kernels' clock on: their milliseconds together, null where the adapter has no timestamps. */
async function profiled<Result>(
  device: Device,
  run: () => Promise<Result>,
): Promise<{ result: Result; kernels: number | null }> {
  if (!device.info.timestamps || device.info.software) return { result: await run(), kernels: null };
  device.profiler.enabled = true;
  try {
    await device.kernelTimes();
    const result = await run();
    const kernels = (await device.kernelTimes()).reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    return { result, kernels };
  } finally {
    device.profiler.enabled = false;
  }
}
