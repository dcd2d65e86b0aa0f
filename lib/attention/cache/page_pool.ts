import { type Device, LimitExceededError, type PooledBuffer } from "../../gpu/mod.ts";
import { FileValues, type FileValuesOptions } from "./file_values.ts";
import { HostValues } from "./host_values.ts";
import type { OutsideValues } from "./outside_values.ts";
import { checkRoom } from "./page_room.ts";
import type { AttentionShape } from "../shape.ts";
import { type Slab, withoutValues } from "./slab.ts";
import { type StorageType, storageTypes, vectorBytes } from "./storage.ts";

/** How a cache's pages are laid out. */
export interface PageOptions {
  /** Tokens of a page. Default 256. */
  pageTokens?: number;
  /** Storage of keys. Default "f32". */
  keyType?: StorageType;
  /** Storage of values. Default "f32". */
  valueType?: StorageType;
  /**
   * Where values lie: "gpu" beside the keys, "host" in the machine's memory, or "file" on its disk, as f32. From there those of
   * attended tokens are brought in each layer and step, with a wait each time; selections and outputs are the same. Not for what reads
   * values in order to select: scores "v", "qkv", "qkv2" (and with "_pe"), and the method "long-heads". Default "gpu".
   */
  valuesOn?: ValuesPlace;
  /** With valuesOn "file": where it is made, and how much of it stays in memory too. */
  valuesFile?: FileValuesOptions;
}

/** Where values can lie. */
export type ValuesPlace = "gpu" | "host" | "file";

/** Places of values, the fastest first. */
export const valuesPlaces: readonly ValuesPlace[] = ["gpu", "host", "file"];

/**
 * Pages of keys and values, shared by a cache and its forks. Page p is at the same place in every layer.
 * It grows by slabs and never copies what it holds.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { KeyValueCache, PagePool } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
 *
 * using device = await Device.open();
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 4 };
 * using cache = new KeyValueCache(device, shape, { keyType: "int8" });
 * assertInstanceOf(cache.pool, PagePool);
 * assertEquals([cache.pool.pageTokens, cache.pool.keyType, cache.pool.valueType], [256, "int8", "f32"]);
 * assertThrows(() => new PagePool(device, shape, { pageTokens: 0 }), RangeError, "pageTokens 0");
 * ```
 */
export class PagePool {
  /** Tokens of a page. */
  readonly pageTokens: number;
  /** Storage of keys. */
  readonly keyType: StorageType;
  /** Storage of values. */
  readonly valueType: StorageType;
  /** The values, where they lie in host memory or in a file. */
  readonly host: OutsideValues | undefined;
  /** Where the values lie. */
  readonly valuesOn: ValuesPlace;
  /** The folder of their file, where one was named. */
  readonly valuesFolder: string | undefined;
  readonly #device: Device;
  readonly #shape: AttentionShape;
  readonly #slabs: Slab[] = [];
  /** The slab of each page. */
  readonly #slabOf: Slab[] = [];
  readonly #free: number[] = [];
  readonly #owners: number[] = [];
  #caches = 0;

  /**
   * An empty pool.
   *
   * @throws {RangeError} for a page size or storage type that can't be had.
   */
  constructor(
    device: Device,
    shape: AttentionShape,
    options: PageOptions = {},
  ) {
    this.#device = device;
    this.#shape = shape;
    this.pageTokens = options.pageTokens ?? 256;
    this.keyType = options.keyType ?? "f32";
    this.valueType = options.valueType ?? "f32";
    if (!Number.isInteger(this.pageTokens) || this.pageTokens < 1) {
      throw new RangeError(
        `pageTokens ${this.pageTokens} must be a whole number of at least 1`,
      );
    }
    for (const [name, type] of [["keyType", this.keyType], ["valueType", this.valueType]] as const) {
      if (!storageTypes.includes(type)) {
        throw new RangeError(`${name} "${type}" is none; there are ${storageTypes.join(", ")}`);
      }
    }
    const { valuesOn = "gpu", valuesFile } = options;
    if (!valuesPlaces.includes(valuesOn)) {
      throw new RangeError(`valuesOn "${valuesOn}" must be ${valuesPlaces.map((place) => `"${place}"`).join(" or ")}`);
    }
    if (valuesOn !== "gpu" && this.valueType !== "f32") {
      throw new RangeError(
        `valuesOn "${valuesOn}": values are kept there as f32; leave valueType ${this.valueType} out`,
      );
    }
    if (valuesFile && valuesOn !== "file") {
      throw new RangeError(`valuesFile is for valuesOn "file"; with "${valuesOn}" leave it out`);
    }
    if (
      !device.info.f16 && (this.keyType === "f16" || this.valueType === "f16")
    ) {
      throw new RangeError(
        `f16 storage: this adapter has no working f16; use "f32"`,
      );
    }
    this.valuesOn = valuesOn;
    this.valuesFolder = valuesFile?.folder;
    // A device that only counts makes no file.
    if (valuesOn === "file" && !device.counts) this.host = new FileValues(shape, this.pageTokens, valuesFile);
    else if (valuesOn !== "gpu") this.host = new HostValues(shape, this.pageTokens);
  }

  /** The slabs, in the order they were made. */
  get slabs(): readonly Slab[] {
    return this.#slabs;
  }

  /** Bytes of one page in one layer on the GPU, keys and values together. */
  get pageBytes(): number {
    return this.#bytes(this.keyType) + (this.host ? 0 : this.#bytes(this.valueType));
  }

  /** Bytes of all slabs. */
  get bytes(): number {
    return this.#slabs.reduce(
      (sum, { pages }) => sum + pages * this.pageBytes * this.#shape.layers,
      0,
    );
  }

  /** Takes part in the pool's life: the last cache to leave frees it. */
  join(): void {
    this.#caches++;
  }

  /** Leaves the pool; the last cache frees the buffers. */
  leave(): void {
    if (--this.#caches > 0) return;
    for (const slab of this.#slabs) {
      for (const buffer of [...slab.keys, ...(this.host ? [] : slab.values)]) {
        this.#device.buffers.release(buffer);
      }
    }
    this.host?.[Symbol.dispose]();
    this.#slabs.length = this.#slabOf.length = 0;
    this.#free.length = 0;
  }

  /**
   * Makes sure that `pages` can be allocated without growing. What is needed next, an answer's tokens say, gets room in the same
   * slab where memory has it: kernels run once per slab.
   *
   * @throws {MemoryBudgetError} where memory can't hold them, saying how many tokens would fit; nothing was allocated then.
   */
  reserve(pages: number): void {
    checkRoom(this.#device, this, this.#shape.layers, pages - this.#free.length);
    while (this.#free.length < pages) {
      const total = this.#slabs.reduce((sum, slab) => sum + slab.pages, 0);
      const missing = pages - this.#free.length;
      const most = this.#largestSlab();
      const wanted = Math.min(Math.max(missing, Math.min(total, 16)), most);
      const roomy = Math.min(wanted + Math.min(16, Math.ceil(missing / 8)), most);
      try {
        this.#grow(roomy);
      } catch (error) {
        if (roomy === wanted) throw error;
        this.#grow(wanted);
      }
    }
  }

  /** A page with one owner; its contents are undefined. */
  allocate(): number {
    this.reserve(1);
    const page = this.#free.pop()!;
    this.#owners[page] = 1;
    return page;
  }

  /** Adds an owner to a page. */
  retain(page: number): void {
    this.#owners[page]++;
  }

  /** Whether a page has other owners too: what it holds must not be changed then. */
  isShared(page: number): boolean {
    return this.#owners[page] > 1;
  }

  /** Takes an owner from a page; without any it can be allocated again. */
  release(page: number): void {
    if (--this.#owners[page] > 0) return;
    this.#free.push(page);
    this.host?.drop(page);
  }

  /** A page with one owner that holds what another does. */
  duplicate(page: number): number {
    const copy = this.allocate();
    this.copy(page, copy);
    return copy;
  }

  /** Copies a page to another in every layer. */
  copy(source: number, target: number): void {
    const from = this.slabOf(source);
    const to = this.slabOf(target);
    this.host?.copy(source, target);
    for (
      const [name, type] of [["keys", this.keyType], [
        "values",
        this.valueType,
      ]] as const
    ) {
      if (name === "values" && this.host) continue;
      const bytes = this.#bytes(type);
      for (let layer = 0; layer < this.#shape.layers; layer++) {
        const sourceOffset = (source - from.firstPage) * bytes;
        const targetOffset = (target - to.firstPage) * bytes;
        if (from === to) {
          this.#copyInside(
            from[name][layer],
            sourceOffset,
            targetOffset,
            bytes,
          );
        } else {this.#device.commands.copy(
            from[name][layer],
            sourceOffset,
            to[name][layer],
            targetOffset,
            bytes,
          );}
      }
    }
  }

  /** The slab that holds a page. */
  slabOf(page: number): Slab {
    return this.#slabOf[page];
  }

  /** WebGPU refuses a copy within one buffer, so it goes through a buffer of its own. */
  #copyInside(
    buffer: PooledBuffer,
    source: number,
    target: number,
    bytes: number,
  ): void {
    const between = this.#device.acquire(bytes, "page copy");
    this.#device.commands.copy(buffer, source, between, 0, bytes);
    this.#device.commands.copy(between, 0, buffer, target, bytes);
    this.#device.buffers.release(between);
  }

  #grow(pages: number): void {
    const firstPage = this.#owners.length;
    const keys: PooledBuffer[] = [];
    const values: PooledBuffer[] = [];
    try {
      for (let layer = 0; layer < this.#shape.layers; layer++) {
        keys.push(
          this.#device.acquire(pages * this.#bytes(this.keyType), "keys"),
        );
        if (!this.host) values.push(this.#device.acquire(pages * this.#bytes(this.valueType), "values"));
      }
    } catch (error) {
      for (const buffer of [...keys, ...values]) {
        this.#device.buffers.release(buffer);
      }
      throw error;
    }
    const slab = this.host ? withoutValues({ firstPage, pages, keys }) : { firstPage, pages, keys, values };
    this.#slabs.push(slab);
    for (let page = firstPage + pages - 1; page >= firstPage; page--) {
      this.#slabOf[page] = slab;
      this.#owners[page] = 0;
      this.#free.push(page);
    }
  }

  #largestSlab(): number {
    const bytes = Math.max(
      this.#bytes(this.keyType),
      this.#bytes(this.valueType),
    );
    const pages = Math.floor(
      Math.min(this.#device.info.bindingBytes, this.#device.info.bufferBytes) /
        bytes,
    );
    if (pages > 0) return pages;
    throw new LimitExceededError(
      `a page of ${this.pageTokens} tokens takes ${bytes} bytes; this adapter binds ${this.#device.info.bindingBytes}: use fewer pageTokens`,
    );
  }

  #bytes(type: StorageType): number {
    return this.pageTokens * this.#shape.keyValueHeads * vectorBytes(type, this.#shape.headSize);
  }
}
