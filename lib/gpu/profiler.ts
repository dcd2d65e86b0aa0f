/** GPU time of one kernel since the profiler was last read. */
export interface KernelTime {
  /** The kernel's name. */
  kernel: string;
  /** Calls, each a piece where a call was cut. */
  calls: number;
  /** Milliseconds on the GPU, all calls together. */
  milliseconds: number;
}

const CAPACITY = 512;

/**
 * Times each kernel call with timestamp queries, where the adapter has them. Off by default: it costs a pass per call.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { add, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * device.profiler.enabled = true;
 * using x = Tensor.from(device, new Float32Array([1, 2]), [2]);
 * using _sum = add(x, x);
 * const times = await device.kernelTimes();
 * // Without timestamps the profiler stays off.
 * assertEquals([device.profiler.enabled, times.length > 0], [device.info.timestamps, device.info.timestamps]);
 * ```
 */
export class Profiler {
  readonly #gpu: GPUDevice;
  readonly #available: boolean;
  #enabled = false;
  /** Whether calls in a row share a pass and are timed together, under the first one's name: what lies between them counts then. */
  together = false;
  #querySet: GPUQuerySet | undefined;
  #names: string[] = [];
  #resolved: { names: string[]; buffer: GPUBuffer }[] = [];

  /** `available` tells whether the device has the timestamp-query feature. */
  constructor(gpu: GPUDevice, available: boolean) {
    this.#gpu = gpu;
    this.#available = available;
  }

  /** Whether calls are timed. Setting it has no effect where the adapter has no timestamps. */
  get enabled(): boolean {
    return this.#enabled;
  }
  set enabled(value: boolean) {
    this.#enabled = value && this.#available;
  }

  /** Whether this submit's queries are used up: the next call must go into another one. */
  get full(): boolean {
    return this.#names.length >= CAPACITY;
  }

  /** Whether each call has a pass of its own. */
  get apart(): boolean {
    return this.#enabled && !this.together;
  }

  /** Timestamp writes for the next pass. */
  begin(kernel: string): GPUComputePassTimestampWrites {
    const index = 2 * this.#names.length;
    this.#querySet ??= this.#gpu.createQuerySet({
      type: "timestamp",
      count: 2 * CAPACITY,
    });
    this.#names.push(kernel);
    return {
      querySet: this.#querySet,
      beginningOfPassWriteIndex: index,
      endOfPassWriteIndex: index + 1,
    };
  }

  /** Records the copy of this submit's timestamps; called before each submit. */
  resolve(encoder: GPUCommandEncoder): void {
    if (!this.#names.length || !this.#querySet) return;
    const count = 2 * this.#names.length;
    const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
    const buffer = this.#gpu.createBuffer({
      label: "timestamps",
      size: count * 8,
      usage,
    });
    encoder.resolveQuerySet(this.#querySet, 0, count, buffer, 0);
    this.#resolved.push({ names: this.#names, buffer });
    this.#names = [];
  }

  /** Hands over the resolved timestamps since the last call; the receiver destroys the buffers. */
  take(): { names: string[]; buffer: GPUBuffer }[] {
    const taken = this.#resolved;
    this.#resolved = [];
    return taken;
  }

  /** Frees the query set. */
  dispose(): void {
    this.#querySet?.destroy();
    for (const { buffer } of this.#resolved) buffer.destroy();
    this.#resolved = [];
  }
}

/** Adds up timestamps (pairs of nanoseconds) by kernel, longest first. */
export function sumTimes(
  parts: readonly { names: readonly string[]; nanoseconds: BigUint64Array }[],
): KernelTime[] {
  const times = new Map<string, KernelTime>();
  for (const { names, nanoseconds } of parts) {
    names.forEach((kernel, index) => {
      const time = times.get(kernel) ?? { kernel, calls: 0, milliseconds: 0 };
      time.calls++;
      time.milliseconds += Number(nanoseconds[2 * index + 1] - nanoseconds[2 * index]) / 1e6;
      times.set(kernel, time);
    });
  }
  return [...times.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}
