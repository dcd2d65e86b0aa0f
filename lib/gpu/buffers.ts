import { LimitExceededError } from "./errors.ts";
import type { ErrorScopes } from "./error_scopes.ts";
import type { MemoryLedger } from "./ledger.ts";

/** A GPU buffer on loan from the pool: its owner releases it exactly once. */
export interface PooledBuffer {
  /** The WebGPU buffer; at least `bytes` long. */
  readonly gpu: GPUBuffer;
  /** Unique number, used to key bind groups. */
  readonly id: number;
  /** Bytes that the owner asked for. */
  readonly bytes: number;
  /** What it is for, as counted by the ledger. */
  readonly label: string;
}

/** Buffers of one size that nobody has. */
interface IdleBuffers {
  readonly buffers: { gpu: GPUBuffer; id: number }[];
  /** When one was last given back, counted in releases. */
  lastRelease: number;
}

/**
 * Lends storage buffers by size class and takes them back for reuse; of those kept, the ones unused for longest go first.
 * Contents of a lent buffer are undefined.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * using device = await Device.open();
 * const { buffers, memory } = device;
 * const buffer = buffers.acquire(1024, "scratch");
 * assertEquals([buffer.bytes, memory.liveBuffers], [1024, 1]);
 * buffers.release(buffer);
 * assertEquals(memory.liveBuffers, 0);
 * assertThrows(() => buffers.release(buffer), Error, "released twice");
 * ```
 */
export class BufferPool {
  readonly #gpu: GPUDevice;
  readonly #scopes: ErrorScopes;
  readonly #ledger: MemoryLedger;
  /** Most bytes that are kept for reuse. */
  readonly mostIdleBytes: number;
  /** Asked once: the adapter's limits are looked up outside of JavaScript. */
  readonly #largest: number;
  /** By size. */
  readonly #idle = new Map<number, IdleBuffers>();
  #releases = 0;
  readonly #lent = new Set<number>();
  /** Called before buffers are destroyed, so that no pending command refers to them. */
  beforeDestroy: () => void = () => {};
  #nextId = 1;

  /**
   * Bytes that each of a step's largest needs should keep within (gathered keys and values, sums to join, scores): what is more than is
   * kept altogether is made anew in each layer, for nearly as long as it is used.
   */
  get scratchBytes(): number {
    return this.mostIdleBytes / 4;
  }

  /** How many buffers were made so far: where that grows from step to step, what could have been kept is made anew. */
  get created(): number {
    return this.#nextId - 1;
  }

  /** A pool over one device that keeps at most `mostIdle` bytes for reuse. */
  constructor(gpu: GPUDevice, scopes: ErrorScopes, ledger: MemoryLedger, mostIdle: number) {
    this.mostIdleBytes = mostIdle;
    this.#largest = gpu.limits.maxBufferSize;
    this.#gpu = gpu;
    this.#scopes = scopes;
    this.#ledger = ledger;
  }

  /**
   * Lends a storage buffer of at least `bytes` bytes.
   *
   * @throws {LimitExceededError} past the adapter's largest buffer.
   * @throws {MemoryBudgetError} past what memory can hold.
   */
  acquire(bytes: number, label: string): PooledBuffer {
    const size = sizeClass(bytes);
    if (bytes > this.#largest) {
      throw new LimitExceededError(
        `${label}: a buffer of ${bytes} bytes is past this adapter's limit of ${this.#largest}`,
      );
    }
    const found = takeFirst(this.#idle.get(size)?.buffers);
    if (found) this.#ledger.idle(-size);
    const { gpu, id } = found ?? this.#create(size, label);
    this.#ledger.take(label, size);
    this.#lent.add(id);
    return { gpu, id, bytes, label };
  }

  /** Takes a buffer back. Releasing twice is an error: the second owner would share the buffer. */
  release(buffer: PooledBuffer): void {
    if (!this.#lent.delete(buffer.id)) {
      throw new Error(
        `${buffer.label}: buffer ${buffer.id} was released twice`,
      );
    }
    const size = sizeClass(buffer.bytes);
    this.#ledger.give(buffer.label, size);
    if (size > this.mostIdleBytes) {
      this.beforeDestroy();
      buffer.gpu.destroy();
      return;
    }
    if (this.#ledger.idleBytes + size > this.mostIdleBytes) this.#makeRoom(size);
    let idle = this.#idle.get(size);
    if (!idle) this.#idle.set(size, idle = { buffers: [], lastRelease: 0 });
    idle.lastRelease = ++this.#releases;
    idle.buffers.push(buffer);
    this.#ledger.idle(size);
  }

  /** Destroys every buffer kept for reuse. */
  trim(): void {
    this.beforeDestroy();
    for (const [size, { buffers }] of this.#idle) {
      for (const { gpu } of buffers) {
        this.#ledger.idle(-size);
        gpu.destroy();
      }
    }
    this.#idle.clear();
  }

  /** Destroys buffers, those of the sizes unused for longest first, until `size` more bytes may be kept. */
  #makeRoom(size: number): void {
    this.beforeDestroy();
    const longestFirst = [...this.#idle].sort(([, a], [, b]) => a.lastRelease - b.lastRelease);
    for (const [held, { buffers }] of longestFirst) {
      while (buffers.length > 0 && this.#ledger.idleBytes + size > this.mostIdleBytes) {
        this.#ledger.idle(-held);
        buffers.shift()!.gpu.destroy();
      }
      if (buffers.length > 0) return;
      this.#idle.delete(held);
    }
  }

  #create(size: number, label: string): { gpu: GPUBuffer; id: number } {
    try {
      this.#ledger.check(label, size);
    } catch (error) {
      if (this.#ledger.idleBytes === 0) throw error;
      this.trim();
      this.#ledger.check(label, size);
    }
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC |
      GPUBufferUsage.COPY_DST | GPUBufferUsage.INDIRECT;
    const gpu = this.#scopes.guard(
      `buffer ${label}`,
      () => this.#gpu.createBuffer({ label, size, usage }),
    );
    return { gpu, id: this.#nextId++ };
  }
}

/**
 * Takes the buffer with the lowest number. Steps that ask for the same sizes in the same order then get the same buffers, and their
 * calls the bind groups that are there: making one takes longer than recording several calls.
 */
function takeFirst<T extends { id: number }>(list: T[] | undefined): T | undefined {
  if (!list || list.length === 0) return undefined;
  let first = 0;
  for (let place = 1; place < list.length; place++) if (list[place].id < list[first].id) first = place;
  const taken = list[first];
  const last = list.pop()!;
  if (first < list.length) list[first] = last;
  return taken;
}

/** Rounds up to an eighth of the next power of two: few classes, at most an eighth wasted. */
function sizeClass(bytes: number): number {
  const least = Math.max(256, bytes);
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(least)) - 3));
  return Math.ceil(least / step) * step;
}
