import { MemoryBudgetError } from "./errors.ts";

/** Bytes in use under one label. */
export interface MemoryFigure {
  /** What the bytes are for, such as "keys" or "weights". */
  label: string;
  /** Bytes in use now. */
  liveBytes: number;
  /** Most bytes in use at once since the last reset. */
  peakBytes: number;
}

/**
 * Counts the bytes of every GPU buffer by label, and refuses what memory can't hold: a software adapter
 * grants buffers far beyond RAM and the process is then killed at first touch.
 *
 * @example
 * ```ts
 * import { MemoryBudgetError, MemoryLedger } from "@reattention/toolkit/gpu";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const ledger: MemoryLedger = new MemoryLedger(() => 1000 - ledger.liveBytes);
 * ledger.take("keys", 600);
 * assertThrows(() => ledger.check("values", 600), MemoryBudgetError, "values");
 * ledger.give("keys", 600);
 * ledger.check("values", 600);
 * assertEquals(ledger.figures(), [{ label: "keys", liveBytes: 0, peakBytes: 600 }]);
 * ```
 */
export class MemoryLedger {
  readonly #figures = new Map<string, MemoryFigure>();
  readonly #limit: () => number;
  #live = 0;
  #peak = 0;
  #idle = 0;
  #buffers = 0;

  /** `limit` tells how many more bytes may be taken from now, at the moment of the call. */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** Bytes in use by tensors, caches and weights. */
  get liveBytes(): number {
    return this.#live;
  }

  /** Most bytes in use at once since the last `resetPeak`. */
  get peakBytes(): number {
    return this.#peak;
  }

  /** Bytes that the pool keeps for reuse. */
  get idleBytes(): number {
    return this.#idle;
  }

  /** Bytes that can still be taken. */
  get roomBytes(): number {
    return Math.max(0, this.#limit());
  }

  /** Number of buffers in use. A test that ends with more than it began with has leaked. */
  get liveBuffers(): number {
    return this.#buffers;
  }

  /** Figures per label, largest peak first. */
  figures(): MemoryFigure[] {
    return [...this.#figures.values()].map((figure) => ({ ...figure })).sort((
      a,
      b,
    ) => b.peakBytes - a.peakBytes);
  }

  /** Starts the peaks anew from what is in use now. */
  resetPeak(): void {
    this.#peak = this.#live;
    for (const figure of this.#figures.values()) {
      figure.peakBytes = figure.liveBytes;
    }
  }

  /**
   * Checks that `bytes` more can be had from the machine.
   *
   * @param advice what to do where they can't. Default: what usually helps
   * @throws {MemoryBudgetError} naming the label, the bytes asked for and the bytes there are.
   */
  check(label: string, bytes: number, advice?: () => string): void {
    const room = this.#limit();
    if (bytes <= room) return;
    throw new MemoryBudgetError(
      `${label}: ${mebibytes(bytes)} MiB more do not fit: ${mebibytes(Math.max(0, room))} MiB are left ` +
        `(${mebibytes(this.#live)} MiB in use). ${
          advice?.() ?? "Use a shorter context, f16 storage or a smaller batch."
        }`,
    );
  }

  /** Books `bytes` as in use. */
  take(label: string, bytes: number): void {
    const figure = this.#figure(label);
    figure.liveBytes += bytes;
    figure.peakBytes = Math.max(figure.peakBytes, figure.liveBytes);
    this.#live += bytes;
    this.#peak = Math.max(this.#peak, this.#live);
    this.#buffers++;
  }

  /** Books `bytes` as given back. */
  give(label: string, bytes: number): void {
    this.#figure(label).liveBytes -= bytes;
    this.#live -= bytes;
    this.#buffers--;
  }

  /** Books a change of the bytes that the pool keeps for reuse. */
  idle(change: number): void {
    this.#idle += change;
  }

  #figure(label: string): MemoryFigure {
    let figure = this.#figures.get(label);
    if (!figure) {
      this.#figures.set(label, figure = { label, liveBytes: 0, peakBytes: 0 });
    }
    return figure;
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
