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

/** Lends storage buffers by size class and takes them back for reuse. Contents of a lent buffer are undefined. */
export class BufferPool {
  readonly #gpu: GPUDevice;
  readonly #scopes: ErrorScopes;
  readonly #ledger: MemoryLedger;
  readonly #mostIdle: number;
  readonly #idle = new Map<number, { gpu: GPUBuffer; id: number }[]>();
  readonly #lent = new Set<number>();
  /** Called before buffers are destroyed, so that no pending command refers to them. */
  beforeDestroy: () => void = () => {};
  #nextId = 1;

  /** A pool over one device; past `mostIdle` bytes kept for reuse released buffers are destroyed at once. */
  constructor(gpu: GPUDevice, scopes: ErrorScopes, ledger: MemoryLedger, mostIdle: number) {
    this.#mostIdle = mostIdle;
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
    if (bytes > this.#gpu.limits.maxBufferSize) {
      throw new LimitExceededError(
        `${label}: a buffer of ${bytes} bytes is past this adapter's limit of ${this.#gpu.limits.maxBufferSize}`,
      );
    }
    const found = this.#idle.get(size)?.pop();
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
    const size = buffer.gpu.size;
    this.#ledger.give(buffer.label, size);
    if (this.#ledger.idleBytes + size > this.#mostIdle) {
      this.beforeDestroy();
      buffer.gpu.destroy();
      return;
    }
    const list = this.#idle.get(size);
    if (list) list.push(buffer);
    else this.#idle.set(size, [buffer]);
    this.#ledger.idle(size);
  }

  /** Destroys every buffer kept for reuse. */
  trim(): void {
    this.beforeDestroy();
    for (const list of this.#idle.values()) {
      for (const { gpu } of list) {
        this.#ledger.idle(-gpu.size);
        gpu.destroy();
      }
    }
    this.#idle.clear();
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

/** Rounds up to an eighth of the next power of two: few classes, at most an eighth wasted. */
function sizeClass(bytes: number): number {
  const least = Math.max(256, bytes);
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(least)) - 3));
  return Math.ceil(least / step) * step;
}
