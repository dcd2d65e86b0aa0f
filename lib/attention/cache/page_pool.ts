import { type Device, LimitExceededError, type PooledBuffer } from "../../gpu/mod.ts";
import type { OutsideValues } from "./outside_values.ts";
import {
  completePageOptions,
  openOutside,
  type OutsidePages,
  type PageOptions,
  type ValuesPlace,
} from "./page_options.ts";
import { checkRoom } from "./page_room.ts";
import type { AttentionShape } from "../shape.ts";
import { type Slab, slabOf } from "./slab.ts";
import { type StorageType, vectorBytes } from "./storage.ts";

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
  /** The same, and keys where they do. */
  readonly outside: OutsidePages;
  /** Where the values lie. */
  readonly valuesOn: ValuesPlace;
  /** Where the keys lie. */
  readonly keysOn: ValuesPlace;
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
    const complete = completePageOptions(device, options);
    this.#device = device;
    this.#shape = shape;
    this.pageTokens = complete.pageTokens;
    this.keyType = complete.keyType;
    this.valueType = complete.valueType;
    this.valuesOn = complete.valuesOn;
    this.keysOn = complete.keysOn;
    this.valuesFolder = complete.valuesFile?.folder;
    this.outside = openOutside(device, shape, complete);
    this.host = this.outside.values;
  }

  /** The slabs, in the order they were made. */
  get slabs(): readonly Slab[] {
    return this.#slabs;
  }

  /** Bytes of one page in one layer on the GPU, keys and values together. */
  get pageBytes(): number {
    return this.#parts.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Bytes of one page in one layer outside the GPU. */
  get outsidePageBytes(): number {
    return this.#outside.reduce((sum, { pageBytes }) => sum + pageBytes, 0);
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
      for (const { name } of this.#parts) {
        for (const buffer of slab[name]) this.#device.buffers.release(buffer);
      }
    }
    for (const vectors of this.#outside) vectors[Symbol.dispose]();
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
    for (const vectors of this.#outside) vectors.drop(page);
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
    for (const vectors of this.#outside) vectors.copy(source, target);
    for (const { name, bytes } of this.#parts) {
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
    const buffers: { keys?: PooledBuffer[]; values?: PooledBuffer[] } = {};
    try {
      for (const { name } of this.#parts) buffers[name] = [];
      for (let layer = 0; layer < this.#shape.layers; layer++) {
        for (const { name, bytes } of this.#parts) buffers[name]!.push(this.#device.acquire(pages * bytes, name));
      }
    } catch (error) {
      for (const buffer of [...buffers.keys ?? [], ...buffers.values ?? []]) this.#device.buffers.release(buffer);
      throw error;
    }
    const slab = slabOf(firstPage, pages, buffers);
    this.#slabs.push(slab);
    const added = Array.from({ length: pages }, (_, index) => firstPage + pages - 1 - index);
    for (const page of added) {
      this.#slabOf[page] = slab;
      this.#owners[page] = 0;
    }
    // Below those that were free before: a long prompt fills one slab after the other, and what fits the first lies in it alone.
    this.#free.splice(0, 0, ...added);
  }

  #largestSlab(): number {
    const bytes = Math.max(0, ...this.#parts.map((part) => part.bytes));
    // Pages that have nothing on the GPU are as many as anybody wants.
    if (bytes === 0) return Infinity;
    const pages = Math.floor(
      Math.min(this.#device.info.bindingBytes, this.#device.info.bufferBytes) /
        bytes,
    );
    if (pages > 0) return pages;
    throw new LimitExceededError(
      `a page of ${this.pageTokens} tokens takes ${bytes} bytes; this adapter binds ${this.#device.info.bindingBytes}: use fewer pageTokens`,
    );
  }

  /** What lies on the GPU, and its bytes of one page in one layer. */
  get #parts(): { readonly name: "keys" | "values"; readonly bytes: number }[] {
    const parts = [["keys", this.keyType], ["values", this.valueType]] as const;
    return parts.filter(([name]) => !this.outside[name]).map(([name, type]) => ({ name, bytes: this.#bytes(type) }));
  }

  /** What lies elsewhere. */
  get #outside(): OutsideValues[] {
    return [this.outside.keys, this.outside.values].filter((vectors) => vectors !== undefined);
  }

  #bytes(type: StorageType): number {
    return this.pageTokens * this.#shape.keyValueHeads * vectorBytes(type, this.#shape.headSize);
  }
}
