import type { Device } from "../../gpu/mod.ts";
import { Tensor } from "../../tensor/mod.ts";
import { rotaryPairs } from "./rotary_pairs.ts";

/**
 * Cosines and sines of the rotary angles on the GPU, grown as positions are asked for, or in windows of a fixed number of positions:
 * a table of millions is past what a binding holds. Angles are computed on the host: WGSL's sin and cos may be far off for large ones.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { rotaryFrequencies, RotationTable } from "@reattention/toolkit/attention";
 * import { assertEquals, assertStrictEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using rotation = new RotationTable(device, rotaryFrequencies(8, { base: 10_000 }));
 * const table = rotation.upTo(600);
 * assertEquals(table.shape, [1024, 4, 2]); // positions, pairs of channels, cosine and sine
 * assertStrictEquals(rotation.upTo(1000), table);
 * assertEquals(rotation.window(3).shape, [rotation.windowPositions, 4, 2]); // positions from 3 * windowPositions on
 * ```
 */
export class RotationTable {
  /** Positions of a window; a power of two. */
  readonly windowPositions: number;
  readonly #device: Device;
  readonly #frequencies: Float32Array;
  readonly #scaled = new Map<string, { key: string; table: RotationTable }>();
  readonly #windows: Tensor[] = [];
  #table: Tensor | undefined;
  #listed: { key: string; table: Tensor } | undefined;

  /**
   * Makes no table yet: each is made when it is asked for.
   *
   * @param frequencies the head's inverse frequencies, one per pair of channels
   * @param windowPositions positions of a window, from which on long contexts are attended to in windows; a power of two of at least
   * 128. Default: 131,072, or fewer where a binding holds no more
   * @throws {RangeError} for another number of them.
   */
  constructor(device: Device, frequencies: Float32Array, windowPositions: number = usualWindow(device, frequencies)) {
    if (windowPositions < LEAST_WINDOW || !Number.isInteger(Math.log2(windowPositions))) {
      throw new RangeError(`windowPositions ${windowPositions} must be a power of two of at least ${LEAST_WINDOW}`);
    }
    this.#device = device;
    this.#frequencies = frequencies;
    this.windowPositions = windowPositions;
  }

  /** The table, f32 [positions, pairs, 2] of (cos, sin), for at least `positions` positions. */
  upTo(positions: number): Tensor {
    const before = this.#table;
    if (before && before.shape[0] >= positions) return before;
    const window = this.windowPositions;
    const count = positions > window
      ? window * Math.ceil(positions / window)
      : Math.max(512, 2 ** Math.ceil(Math.log2(Math.max(1, positions))));
    const table = this.#empty(count);
    const done = before?.shape[0] ?? 0;
    if (before) this.#device.commands.copy(before.buffer, 0, table.buffer, 0, before.bytes);
    for (let start = done; start < count; start += window) {
      this.#write(table, start, start, Math.min(window, count - start));
    }
    before?.[Symbol.dispose]();
    return this.#table = table;
  }

  /** The table of `windowPositions` positions from `index * windowPositions` on, f32 [positions, pairs, 2]; made once. */
  window(index: number): Tensor {
    return this.#windows[index] ??= this.#make([index * this.windowPositions], this.windowPositions);
  }

  /** The table of `count` positions from each of `starts` on, f32 [starts * count, pairs, 2]; good until others are asked for. */
  at(starts: readonly number[], count: number): Tensor {
    const key = `${starts}, ${count}`;
    if (this.#listed?.key === key) return this.#listed.table;
    this.#listed?.table[Symbol.dispose]();
    this.#listed = undefined;
    const table = this.#make(starts, count);
    this.#listed = { key, table };
    return table;
  }

  /**
   * A table of other frequencies made from these; it stays this one's own.
   *
   * @param kind one table is kept of each kind
   * @param key tells tables of a kind apart: another one takes the last one's place
   * @param change gives the new frequencies
   */
  scaled(kind: string, key: string, change: (frequencies: Float32Array) => Float32Array): RotationTable {
    const known = this.#scaled.get(kind);
    if (known?.key === key) return known.table;
    known?.table[Symbol.dispose]();
    const table = new RotationTable(this.#device, change(this.#frequencies), this.windowPositions);
    this.#scaled.set(kind, { key, table });
    return table;
  }

  /** Gives the tables' buffers back. */
  [Symbol.dispose](): void {
    for (const { table } of this.#scaled.values()) table[Symbol.dispose]();
    this.#scaled.clear();
    for (const table of [this.#table, this.#listed?.table, ...this.#windows]) table?.[Symbol.dispose]();
    this.#table = this.#listed = undefined;
    this.#windows.length = 0;
  }

  #make(starts: readonly number[], count: number): Tensor {
    const table = this.#empty(starts.length * count);
    starts.forEach((start, index) => this.#write(table, index * count, start, count));
    return table;
  }

  #empty(positions: number): Tensor {
    return Tensor.empty(this.#device, [positions, this.#frequencies.length, 2], "f32", "rotary table");
  }

  /** Writes the angles of `count` positions from `start` on into a table's rows from `row` on. */
  #write(table: Tensor, row: number, start: number, count: number): void {
    // A device that only counts needs no numbers.
    if (this.#device.counts) return;
    const pairs = this.#frequencies.length;
    const both = new Float32Array(2 * count * pairs);
    rotaryPairs(this.#frequencies, start, both);
    this.#device.commands.write(table.buffer, 8 * row * pairs, both);
  }
}

/** Fewest positions of a window: those of a workgroup's block in decoding. */
const LEAST_WINDOW = 128;
/** Most positions of a window: beyond, a table of all takes longer to make than to use. */
const MOST_WINDOW = 2 ** 17;

function usualWindow({ info }: Device, { length: pairs }: Float32Array): number {
  const fitting = Math.floor(Math.min(info.bindingBytes, info.bufferBytes) / (8 * Math.max(1, pairs)));
  return Math.max(LEAST_WINDOW, Math.min(MOST_WINDOW, 2 ** Math.floor(Math.log2(Math.max(1, fitting)))));
}
