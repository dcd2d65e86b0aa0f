import type { Device } from "../../gpu/mod.ts";
import { Tensor } from "../../tensor/mod.ts";
import { rotaryTable } from "./rotary_frequencies.ts";

/**
 * Cosines and sines of the rotary angles on the GPU, grown as positions are asked for.
 * Angles are computed on the host: WGSL's sin and cos may be far off for large ones.
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
 * ```
 */
export class RotationTable {
  readonly #device: Device;
  readonly #frequencies: Float32Array;
  readonly #scaled = new Map<string, { key: string; table: RotationTable }>();
  #table: Tensor | undefined;

  /** `frequencies` are the head's inverse frequencies, one per pair of channels. */
  constructor(device: Device, frequencies: Float32Array) {
    this.#device = device;
    this.#frequencies = frequencies;
  }

  /** The table, f32 [positions, pairs, 2] of (cos, sin), for at least `positions` positions. */
  upTo(positions: number): Tensor {
    if (this.#table && this.#table.shape[0] >= positions) return this.#table;
    const count = Math.max(
      512,
      2 ** Math.ceil(Math.log2(Math.max(1, positions))),
    );
    const { cos, sin } = rotaryTable(this.#frequencies, 0, count);
    const both = new Float32Array(2 * cos.length);
    cos.forEach((value, index) => {
      both[2 * index] = value;
      both[2 * index + 1] = sin[index];
    });
    this.#table?.[Symbol.dispose]();
    this.#table = Tensor.from(this.#device, both, [
      count,
      this.#frequencies.length,
      2,
    ], "rotary table");
    return this.#table;
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
    const table = new RotationTable(this.#device, change(this.#frequencies));
    this.#scaled.set(kind, { key, table });
    return table;
  }

  /** Gives the table's buffer back. */
  [Symbol.dispose](): void {
    for (const { table } of this.#scaled.values()) table[Symbol.dispose]();
    this.#scaled.clear();
    this.#table?.[Symbol.dispose]();
    this.#table = undefined;
  }
}
