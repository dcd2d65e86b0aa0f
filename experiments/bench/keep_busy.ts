import type { Device } from "../../lib/gpu/mod.ts";
import { Tensor } from "../../lib/tensor/mod.ts";

const THREADS = 2 ** 20;
const MOST_CALLS = 200;
/** Milliseconds of a call, measured once for each device. */
const measured = new WeakMap<Device, number>();

/** Submits multiply-adds for about so many milliseconds and returns while they run: what is submitted next follows them. */
export async function keepBusy(device: Device, milliseconds: number): Promise<void> {
  using output = Tensor.empty(device, [THREADS]);
  let each = measured.get(device);
  if (each === undefined) {
    for (let run = 0; run < 2; run++) { // the first one compiles
      await device.finish();
      const start = performance.now();
      multiplyAdd(device, output, 1);
      await device.finish();
      each = performance.now() - start;
    }
    measured.set(device, each!);
  }
  multiplyAdd(device, output, Math.min(MOST_CALLS, Math.ceil(milliseconds / each!)));
}

function multiplyAdd({ commands }: Device, output: Tensor, calls: number): void {
  for (let call = 0; call < calls; call++) {
    commands.dispatch({
      kernel: "fma_probe",
      types: { Value: "vec4<f32>" },
      constants: { CHAINS: 8, STEPS: 128, ROUNDS: 8 },
      overrides: { WORKGROUP: 64 },
      params: { seed: 1e-9 },
      bindings: [{ buffer: output.buffer }],
      groups: THREADS / 64,
      // Counted as nothing: the stream would wait for the GPU otherwise, which idles then.
      work: 1,
    });
  }
  commands.flush();
}
