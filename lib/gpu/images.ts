import type { ErrorScopes } from "./error_scopes.ts";
import type { MemoryLedger } from "./ledger.ts";

/** Width and height of an image in texels of four floats. */
export interface ImageSize {
  /** Texels of a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** An image on loan from the pool: its owner releases it exactly once. */
export interface PooledImage extends ImageSize {
  /** The WebGPU texture, of format rgba32float. */
  readonly gpu: GPUTexture;
  /** The view that kernels bind. */
  readonly view: GPUTextureView;
  /** Unique number, used to key bind groups. */
  readonly id: number;
  /** Bytes that it takes. */
  readonly bytes: number;
  /** What it is for, as counted by the ledger. */
  readonly label: string;
}

/** What is kept for reuse at most; beyond it released images are destroyed at once. */
const IDLE_BYTES = 64 * 2 ** 20;

/**
 * Lends images of floats that kernels read, and takes them back for reuse. Contents of a lent image are undefined.
 *
 * Software adapters load a texel as one vector, but a storage buffer number by number: the same kernel runs twice as fast.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { assert, assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * const size = { width: 4, height: 8 };
 * assert(device.images.fits(size));
 * const image = device.images.acquire(size, "keys");
 * assertEquals(image.bytes, 4 * 8 * 16); // texels of four floats
 * device.images.release(image);
 * ```
 */
export class ImagePool {
  readonly #gpu: GPUDevice;
  readonly #scopes: ErrorScopes;
  readonly #ledger: MemoryLedger;
  readonly #idle = new Map<string, PooledImage[]>();
  readonly #lent = new Set<number>();
  #idleBytes = 0;
  #nextId = 1;
  /** Called before images are destroyed, so that no pending command refers to them. */
  beforeDestroy: () => void = () => {};

  /** A pool over one device. */
  constructor(gpu: GPUDevice, scopes: ErrorScopes, ledger: MemoryLedger) {
    this.#gpu = gpu;
    this.#scopes = scopes;
    this.#ledger = ledger;
  }

  /** Whether an image can be so large. */
  fits({ width, height }: ImageSize): boolean {
    const most = this.#gpu.limits.maxTextureDimension2D;
    return width <= most && height <= most;
  }

  /**
   * Lends an image.
   *
   * @throws {MemoryBudgetError} past what memory can hold.
   */
  acquire(size: ImageSize, label: string): PooledImage {
    const found = this.#idle.get(keyOf(size))?.pop();
    if (found) this.#keep(-found.bytes);
    const image = { ...(found ?? this.#create(size, label)), label };
    this.#ledger.take(label, image.bytes);
    this.#lent.add(image.id);
    return image;
  }

  /** Takes an image back. Releasing twice is an error: the second owner would share it. */
  release(image: PooledImage): void {
    if (!this.#lent.delete(image.id)) throw new Error(`${image.label}: image ${image.id} was released twice`);
    this.#ledger.give(image.label, image.bytes);
    if (this.#idleBytes + image.bytes > IDLE_BYTES) {
      this.beforeDestroy();
      image.gpu.destroy();
      return;
    }
    const list = this.#idle.get(keyOf(image));
    if (list) list.push(image);
    else this.#idle.set(keyOf(image), [image]);
    this.#keep(image.bytes);
  }

  /** Destroys every image kept for reuse. */
  trim(): void {
    this.beforeDestroy();
    for (const image of [...this.#idle.values()].flat()) {
      this.#keep(-image.bytes);
      image.gpu.destroy();
    }
    this.#idle.clear();
  }

  #keep(change: number): void {
    this.#idleBytes += change;
    this.#ledger.idle(change);
  }

  #create({ width, height }: ImageSize, label: string): PooledImage {
    const bytes = width * height * 16;
    try {
      this.#ledger.check(label, bytes);
    } catch (error) {
      if (this.#idleBytes === 0) throw error;
      this.trim();
      this.#ledger.check(label, bytes);
    }
    const usage = GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST;
    const gpu = this.#scopes.guard(
      `image ${label}`,
      () => this.#gpu.createTexture({ label, size: [width, height], format: "rgba32float", usage }),
    );
    return { gpu, view: gpu.createView(), id: this.#nextId++, width, height, bytes, label };
  }
}

function keyOf({ width, height }: ImageSize): string {
  return `${width}x${height}`;
}
