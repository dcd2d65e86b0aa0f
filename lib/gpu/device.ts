import { gpuMemoryLeftBytes, memoryLimitBytes } from "../platform.ts";
import { type AdapterInfo, describeAdapter, findAdapter } from "./adapter.ts";
import { BufferPool, type PooledBuffer } from "./buffers.ts";
import { Commands } from "./commands.ts";
import { countingGpu } from "./counting_gpu.ts";
import { ErrorScopes } from "./error_scopes.ts";
import { LimitExceededError } from "./errors.ts";
import { f16Works } from "./f16_probe.ts";
import { ImagePool } from "./images.ts";
import { KernelChoices } from "./kernel_choices.ts";
import { MemoryLedger } from "./ledger.ts";
import { raisedLimits } from "./limits.ts";
import { PipelineCache } from "./pipelines.ts";
import { type KernelTime, Profiler, sumTimes } from "./profiler.ts";
import { ReadBack } from "./read_back.ts";
import { readTunedChoices } from "./tuned_choices.ts";

/** How a device is opened. */
export interface DeviceOptions {
  /** The adapter to use. Default: the fastest one found. */
  adapter?: GPUAdapter;
  /** Whether half floats may be used where they work. Default true. */
  f16?: boolean;
  /**
   * Bytes that all buffers together may take. Default: what RAM and the process's limits leave a software adapter, what the
   * driver's tool tells of a GPU's memory, and RAM's figure where it tells nothing.
   */
  memoryBytes?: number;
  /**
   * Most bytes of buffers that nobody has and that are kept for whoever asks next. Default: 256 MiB on a software adapter; on a GPU
   * a sixteenth of the memory, from 1 to 4 GiB.
   */
  idleBytes?: number;
  /** Largest storage binding to use, at most the adapter's. Tests lower it to reach the paths of very large tensors. */
  bindingBytes?: number;
  /** Options of kernels by question. Default: what `deno task tune` found, or what is usual for the kind of adapter. */
  choices?: Readonly<Record<string, string>>;
  /** Most workgroups per grid dimension, at most the adapter's. Tests lower it likewise. */
  groupsPerDimension?: number;
}

/** What is known about an open device. */
export interface DeviceInfo extends AdapterInfo {
  /** Largest storage binding in bytes. */
  bindingBytes: number;
  /** Largest buffer in bytes. */
  bufferBytes: number;
  /** Shared memory of a workgroup in bytes. */
  workgroupBytes: number;
  /** Storage buffers that a kernel can bind. */
  storageBuffers: number;
}

/** Left for what the driver itself takes on a GPU: kernels, queues, the context. */
const DRIVER_BYTES = 768 * 2 ** 20;

/** Memory kept free for the process itself, the driver's compiled kernels and the operating system. */
const RESERVED_BYTES = 512 * 2 ** 20;

/**
 * One WebGPU device with all that belongs to it: buffers, pipelines, commands, read-back, profiler, memory figures.
 *
 * @example Opening a device and reading what it is
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { assert } from "@std/assert";
 *
 * using device = await Device.open();
 * assert(device.info.bindingBytes > 0);
 * ```
 */
export class Device {
  /** Name, limits and features. */
  readonly info: DeviceInfo;
  /** Bytes in use, by label. */
  readonly memory: MemoryLedger;
  /** Lends buffers. */
  readonly buffers: BufferPool;
  /** Lends images. */
  readonly images: ImagePool;
  /** Records and submits kernel calls. */
  readonly commands: Commands;
  /** Brings data to the host. */
  readonly readBack: ReadBack;
  /** Which options of kernels it runs. */
  readonly choices: KernelChoices;
  /** Times kernels when enabled. */
  readonly profiler: Profiler;
  /** Whether it counts only: nothing on it is held or computed. */
  readonly counts: boolean;
  readonly #gpu: GPUDevice;
  readonly #scopes: ErrorScopes;
  readonly #options: DeviceOptions;

  private constructor(
    gpu: GPUDevice,
    adapter: AdapterInfo,
    options: DeviceOptions,
    counts = false,
  ) {
    const { limits } = gpu;
    this.#gpu = gpu;
    this.#options = options;
    this.counts = counts;
    this.info = {
      ...adapter,
      bindingBytes: lowered(
        "bindingBytes",
        options.bindingBytes,
        limits.maxStorageBufferBindingSize,
      ),
      bufferBytes: limits.maxBufferSize,
      workgroupBytes: limits.maxComputeWorkgroupStorageSize,
      storageBuffers: limits.maxStorageBuffersPerShaderStage,
    };
    const budget = options.memoryBytes ?? Math.max(0, memoryLimitBytes() - RESERVED_BYTES);
    // Until a buffer is touched its pages don't count as used, so the ledger's own sum is the figure to trust.
    this.memory = new MemoryLedger(() => budget - this.memory.liveBytes - this.memory.idleBytes);
    this.#scopes = new ErrorScopes(gpu);
    this.buffers = new BufferPool(gpu, this.#scopes, this.memory, options.idleBytes ?? usualIdleBytes(adapter, budget));
    this.choices = new KernelChoices({
      threads: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
      workgroupBytes: limits.maxComputeWorkgroupStorageSize,
    }, options.choices);
    this.images = new ImagePool(gpu, this.#scopes, this.memory);
    this.profiler = new Profiler(gpu, adapter.timestamps);
    const pipelines = new PipelineCache(gpu, this.#scopes, adapter.f16);
    this.commands = new Commands(gpu, this.#scopes, pipelines, this.profiler, {
      bindingBytes: this.info.bindingBytes,
      groupsPerDimension: lowered(
        "groupsPerDimension",
        options.groupsPerDimension,
        limits.maxComputeWorkgroupsPerDimension,
      ),
      offsetAlignment: Math.max(
        limits.minStorageBufferOffsetAlignment,
        limits.minUniformBufferOffsetAlignment,
      ),
    }, adapter.software && !counts);
    // Calls that compute nothing need no cutting to length.
    if (counts) this.commands.pacing.budget = Infinity;
    this.buffers.beforeDestroy = this.images.beforeDestroy = () => this.commands.releaseBindGroups();
    this.readBack = new ReadBack(gpu, this.#scopes, this.commands);
  }

  /**
   * Opens a device. Half floats are used only where a small numeric probe gave right numbers.
   *
   * @throws {NoAdapterError} where there is none.
   * @throws {RangeError} for an option past the adapter's limit.
   */
  static async open(options: DeviceOptions = {}): Promise<Device> {
    const adapter = options.adapter ?? await findAdapter();
    const described = describeAdapter(adapter);
    const found = { ...described, f16: described.f16 && options.f16 !== false };
    const features: GPUFeatureName[] = [];
    if (found.f16) features.push("shader-f16");
    if (found.timestamps) features.push("timestamp-query");
    const gpu = await adapter.requestDevice({
      requiredFeatures: features,
      requiredLimits: raisedLimits(adapter),
    });
    const choices = options.choices ?? await readTunedChoices(found);
    const memoryBytes = options.memoryBytes ?? (found.software ? undefined : await gpuMemoryLeft());
    const device = new Device(gpu, found, { ...options, choices, memoryBytes });
    if (!found.f16 || await f16Works(device)) return device;
    device[Symbol.dispose]();
    // An adapter gives one device only, so a second one needs a new adapter.
    return Device.open({ ...options, adapter: undefined, f16: false });
  }

  /**
   * A device of the same limits and kernel choices that counts bytes and neither holds nor computes anything: what runs on it
   * shows in its ledger what it would take here. Reads give zeros.
   *
   * @example What a tensor would take, without taking it
   * ```ts
   * import { Device } from "@reattention/toolkit/gpu";
   * import { Tensor } from "@reattention/toolkit/tensor";
   * import { assertEquals } from "@std/assert";
   *
   * using device = await Device.open();
   * using counting = device.counting();
   * using _tensor = Tensor.empty(counting, [1024, 1024]);
   * assertEquals([counting.memory.liveBytes, device.memory.liveBytes], [4 * 2 ** 20, 0]);
   * ```
   */
  counting(): Device {
    return new Device(
      countingGpu(this.#gpu.limits),
      this.info,
      { ...this.#options, memoryBytes: Infinity, idleBytes: this.buffers.mostIdleBytes },
      true,
    );
  }

  /**
   * Takes a buffer from the pool, checked against the adapter.
   *
   * @throws {MemoryBudgetError} past what memory can hold.
   * @throws {LimitExceededError} past the largest buffer.
   */
  acquire(bytes: number, label: string): PooledBuffer {
    return this.buffers.acquire(bytes, label);
  }

  /** GPU time per kernel since the last call; empty unless the profiler is enabled and the adapter has timestamps. */
  async kernelTimes(): Promise<KernelTime[]> {
    this.commands.flush();
    const parts = this.profiler.take();
    const ranges = parts.map(({ names, buffer }) => ({
      buffer: { gpu: buffer },
      offset: 0,
      bytes: names.length * 16,
    }));
    const data = await this.readBack.read(ranges);
    for (const { buffer } of parts) buffer.destroy();
    return sumTimes(
      parts.map(({ names }, index) => ({
        names,
        nanoseconds: new BigUint64Array(data[index]),
      })),
    );
  }

  /**
   * Waits until all recorded work is done.
   *
   * @throws {GpuError} the first GPU error since the last read-back.
   */
  async finish(): Promise<void> {
    await this.readBack.read([]);
  }

  /** Destroys the device and every buffer on it. */
  [Symbol.dispose](): void {
    this.buffers.trim();
    this.images.trim();
    this.profiler.dispose();
    this.commands.dispose();
    this.#scopes.markLost("this device was disposed");
    this.#gpu.destroy();
  }
}

/** Long steps have gigabytes of scratch at once, which a small GPU can't spare while nobody uses them. */
function usualIdleBytes({ software }: AdapterInfo, memoryBytes: number): number {
  return software ? 2 ** 28 : Math.min(2 ** 32, Math.max(2 ** 30, memoryBytes / 16));
}

async function gpuMemoryLeft(): Promise<number | undefined> {
  const left = await gpuMemoryLeftBytes();
  return left === undefined ? undefined : Math.max(0, left - DRIVER_BYTES);
}

function lowered(
  name: string,
  wanted: number | undefined,
  limit: number,
): number {
  if (wanted === undefined) return limit;
  if (Number.isInteger(wanted) && wanted > 0 && wanted <= limit) return wanted;
  if (wanted > limit) {
    throw new LimitExceededError(
      `${name}: ${wanted} is past this adapter's limit of ${limit}`,
    );
  }
  throw new RangeError(
    `${name}: ${wanted} must be a whole number from 1 to ${limit}`,
  );
}
