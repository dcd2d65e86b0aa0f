/**
 * `deno task bench`: speed as shares of what the adapter can do, all measured in this run.
 *
 * Question: how near are the kernels to the adapter's multiply-add rate? The limit is probed by `fma_probe`, a kernel of
 * eight independent chains that touches no memory. Repeats of both are interleaved; medians with the spread are printed.
 */
import { Device } from "../lib/gpu/mod.ts";
import { matmul, Tensor } from "../lib/tensor/mod.ts";
import { nameRuntimeFolder } from "./setup/runtime_folder.ts";

const SIZES = [[1024, 1024, 1024], [128, 256, 704], [1, 256, 1547]] as const;
const REPEATS = 7;

/** Milliseconds of GPU time (wall time where the adapter has no timestamps) that `run` takes. */
async function time(device: Device, run: () => Disposable): Promise<number> {
  await device.finish();
  const start = performance.now();
  {
    using _result = run();
    await device.finish();
  }
  const wall = performance.now() - start;
  const kernels = await device.kernelTimes();
  return device.info.timestamps ? kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0) : wall;
}

function probe(device: Device): { run: () => Disposable; operations: number } {
  const groups = 1024;
  const steps = 4096;
  return {
    operations: groups * 64 * steps * 8 * 2,
    run: () => {
      const output = Tensor.empty(device, [groups * 64]);
      device.commands.dispatch({
        kernel: "fma_probe",
        constants: { STEPS: steps },
        params: { seed: 1e-9 },
        bindings: [{ buffer: output.buffer }],
        groups,
        work: groups * 64 * steps * 8 / 8,
      });
      return output;
    },
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

function ramp(device: Device, shape: readonly number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return Tensor.from(device, Float32Array.from({ length: size }, (_, i) => (i % 17) / 17 - 0.5), shape);
}

async function main(): Promise<void> {
  nameRuntimeFolder();
  using device = await Device.open();
  device.profiler.enabled = true;
  console.log(
    `${device.info.name}${device.info.software ? " (software)" : ""}, ${new Date().toISOString().slice(0, 10)}`,
  );
  const limit = probe(device);
  for (const [rows, inner, columns] of SIZES) {
    using a = ramp(device, [rows, inner]);
    using b = ramp(device, [inner, columns]);
    const ours: number[] = [];
    const limits: number[] = [];
    for (let repeat = 0; repeat <= REPEATS; repeat++) {
      const pair = [await time(device, () => matmul(a, b)), await time(device, limit.run)];
      // The first repeat compiles the kernels.
      if (repeat === 0) continue;
      ours.push(pair[0]);
      limits.push(pair[1]);
    }
    const operations = 2 * rows * inner * columns;
    const rate = operations / median(ours) / 1e6;
    const bound = limit.operations / median(limits) / 1e6;
    const spread = `${Math.min(...ours).toFixed(2)} to ${Math.max(...ours).toFixed(2)} ms`;
    console.log(
      `matmul ${rows}x${inner}x${columns} f32: ${rate.toFixed(1)} GFLOP/s (${spread}), ` +
        `${(100 * rate / bound).toFixed(0)} % of the probed limit of ${bound.toFixed(1)} GFLOP/s`,
    );
  }
}

if (import.meta.main) await main();
