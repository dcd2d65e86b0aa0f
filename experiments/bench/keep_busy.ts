import type { Device } from "../../lib/gpu/mod.ts";
import { Tensor } from "../../lib/tensor/mod.ts";

/**
 * A card that idles clocks down: an H100 under Vulkan from 1,980 to 345 MHz, at which it reads 1.7 instead of 3.0 TB/s. It took
 * 300 ms of work to clock up again, and a second of idling, or seconds of little work, to clock down.
 */
const COLD_MILLISECONDS = 500;
const WARM_MILLISECONDS = 200;
/** Idling for so long leaves a card warm. */
const STAYS_WARM = 300;
const THREADS = 2 ** 20;
const MOST_CALLS = 1000;

interface Warmth {
  /** Milliseconds of a call, measured once. */
  readonly each: number;
  /** When the last work ends, about. */
  until: number;
}

const warmths = new WeakMap<Device, Warmth>();

/** Submits multiply-adds until the card has its full clocks, and returns while they run: what is submitted next follows them. */
export async function keepBusy(device: Device): Promise<void> {
  using output = Tensor.empty(device, [THREADS]);
  let warmth = warmths.get(device);
  if (!warmth) warmths.set(device, warmth = { each: await timeOfCall(device, output), until: -Infinity });
  const now = performance.now();
  const wanted = now - warmth.until > STAYS_WARM ? COLD_MILLISECONDS : WARM_MILLISECONDS;
  const calls = Math.min(MOST_CALLS, Math.ceil(wanted / warmth.each));
  multiplyAdd(device, output, calls);
  warmth.until = now + calls * warmth.each;
}

/** Of a card with its full clocks: a cold one would be given too little to do. */
async function timeOfCall(device: Device, output: Tensor): Promise<number> {
  let each = Infinity;
  for (let calls = 1; calls <= 256; calls *= 4) {
    await device.finish();
    const start = performance.now();
    multiplyAdd(device, output, calls);
    await device.finish();
    const took = performance.now() - start;
    each = Math.min(each, took / calls);
    if (took > COLD_MILLISECONDS) break;
  }
  return each;
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
