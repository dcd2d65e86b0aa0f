import type { PooledBuffer } from "./buffers.ts";
import type { Commands } from "./commands.ts";
import type { ErrorScopes } from "./error_scopes.ts";

/** A stretch of a buffer to bring to the host. */
export interface ReadRange {
  /** The buffer. */
  buffer: PooledBuffer | { gpu: GPUBuffer };
  /** First byte, a multiple of 4. */
  offset: number;
  /** Bytes wanted. */
  bytes: number;
}

/**
 * Brings GPU data to the host: the only caller of mapAsync and getMappedRange.
 *
 * Reads go one after the other, because asking for a mapped range while another map is pending ends the process
 * in Deno. Each read also raises every GPU error found so far. A read costs a poll (10 ms or more in Deno)
 * however little it moves, so read several ranges at once.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2, 3]), [3]);
 * const { buffer } = x;
 * // Several ranges in one read, since each read costs a wait.
 * const [first, last] = await device.readBack.read([{ buffer, offset: 0, bytes: 4 }, { buffer, offset: 8, bytes: 4 }]);
 * assertEquals([new Float32Array(first)[0], new Float32Array(last)[0]], [1, 3]);
 * ```
 */
export class ReadBack {
  readonly #gpu: GPUDevice;
  readonly #scopes: ErrorScopes;
  readonly #commands: Commands;
  #last: Promise<unknown> = Promise.resolve();
  #reads = 0;

  /** One per device. */
  constructor(gpu: GPUDevice, scopes: ErrorScopes, commands: Commands) {
    this.#gpu = gpu;
    this.#scopes = scopes;
    this.#commands = commands;
  }

  /** Number of reads so far: tests use it to show that decoding does not wait for each token. */
  get reads(): number {
    return this.#reads;
  }

  /**
   * Copies the ranges to the host after all recorded work. Empty ranges give empty buffers.
   *
   * @throws {GpuError} the first GPU error since the last read.
   */
  read(ranges: readonly ReadRange[]): Promise<ArrayBuffer[]> {
    // The copies are recorded now, so that the data is that of this moment whatever waits before.
    const staged = this.#stage(ranges);
    const result = this.#last.then(() => this.#map(staged, ranges));
    this.#last = result.catch(() => {});
    return result;
  }

  #stage(ranges: readonly ReadRange[]): GPUBuffer {
    this.#scopes.throwIfLost();
    const size = ranges.reduce((sum, { bytes }) => sum + padded(bytes), 0);
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const staging = this.#scopes.guard(
      "read-back",
      () =>
        this.#gpu.createBuffer({
          label: "read-back",
          size: Math.max(16, size),
          usage,
        }),
    );
    this.#commands.encode((encoder) => {
      let at = 0;
      for (const { buffer, offset, bytes } of ranges) {
        if (bytes) {
          encoder.copyBufferToBuffer(
            buffer.gpu,
            offset,
            staging,
            at,
            padded(bytes),
          );
        }
        at += padded(bytes);
      }
    });
    this.#commands.flush();
    return staging;
  }

  async #map(
    staging: GPUBuffer,
    ranges: readonly ReadRange[],
  ): Promise<ArrayBuffer[]> {
    this.#reads++;
    try {
      let failure: unknown;
      await staging.mapAsync(GPUMapMode.READ).catch((error) => failure = error);
      // The scopes name the cause; a failed map is only its echo.
      await this.#scopes.settle();
      if (failure) throw failure;
      const mapped = staging.getMappedRange();
      let at = 0;
      const results = ranges.map(({ bytes }) => {
        const data = mapped.slice(at, at + bytes);
        at += padded(bytes);
        return data;
      });
      staging.unmap();
      return results;
    } finally {
      staging.destroy();
    }
  }
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
