import type { Device } from "../../gpu/mod.ts";
import { Tensor } from "../../tensor/mod.ts";
import { CachedSequence } from "./cached_sequence.ts";
import type { PageOptions } from "./page_options.ts";
import { PagePool } from "./page_pool.ts";
import type { Slab } from "./slab.ts";
import { type AttentionShape, checkAttentionShape, headVectors } from "../shape.ts";
import { storesAs } from "./storage.ts";
import { Zeros } from "./zeros.ts";

/** How a cache is made. */
export interface CacheOptions extends PageOptions {
  /** Sequences held side by side. Default 1. */
  batch?: number;
}

/**
 * Keys (before rotation) and values of every token of a batch of sequences, in pages reached through a table.
 *
 * @example Forking a cache shares its full pages
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { KeyValueCache } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using cache = new KeyValueCache(device, { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 4 });
 * cache.extend(300);
 * using fork = cache.fork();
 * fork.extend(1);
 * assertEquals([cache.lengths[0], fork.lengths[0]], [300, 301]);
 * ```
 */
export class KeyValueCache {
  /** The device it lives on. */
  readonly device: Device;
  /** Sizes of the attention it serves. */
  readonly shape: AttentionShape;
  /** The pages, shared with forks. */
  readonly pool: PagePool;
  /** The sequences, in order. */
  readonly sequences: readonly CachedSequence[];
  readonly #owns: boolean;
  #table: Tensor | undefined;
  #tableVersion = -1;
  readonly #zeros: Zeros;
  #slabsVersion = -1;
  /** Slabs that hold any of its tokens, in the pool's order, each with the number of its pages up to the last of them. */
  #slabs = new Map<Slab, number>();
  #disposed = false;

  /**
   * An empty cache.
   *
   * @throws {RangeError} for sizes that the kernels can't take.
   */
  constructor(
    device: Device,
    shape: AttentionShape,
    options: CacheOptions = {},
    shared?: { pool: PagePool; sequences?: readonly CachedSequence[]; owns?: boolean },
  ) {
    checkAttentionShape(shape);
    const batch = options.batch ?? 1;
    if (!Number.isInteger(batch) || batch < 1) {
      throw new RangeError(
        `batch ${batch} must be a whole number of at least 1`,
      );
    }
    this.device = device;
    this.#zeros = new Zeros(device);
    this.shape = shape;
    this.pool = shared?.pool ?? new PagePool(device, shape, options);
    this.pool.join();
    this.sequences = shared?.sequences ?? Array.from({ length: batch }, () => new CachedSequence(this.pool));
    this.#owns = shared?.owns ?? true;
  }

  /**
   * The sequences of several caches side by side, whatever their lengths: what this one appends is theirs. It can be
   * disposed before or after them.
   *
   * @throws {RangeError} for no cache, or caches that don't share their pages (forks, or made by `another`).
   */
  static beside(caches: readonly KeyValueCache[]): KeyValueCache {
    const [first] = caches;
    if (!first) throw new RangeError("KeyValueCache.beside: no cache to put side by side; give at least one");
    const stranger = caches.findIndex(({ pool }) => pool !== first.pool);
    if (stranger > 0) {
      throw new RangeError(
        `KeyValueCache.beside: cache ${stranger} has pages of its own; make it with another() or fork()`,
      );
    }
    const sequences = caches.flatMap((cache) => cache.sequences);
    return new KeyValueCache(first.device, first.shape, {}, { pool: first.pool, sequences, owns: false });
  }

  /** An empty cache of one sequence that takes its pages from the same pool. */
  another(): KeyValueCache {
    return new KeyValueCache(this.device, this.shape, {}, { pool: this.pool });
  }

  /** Sequences held side by side. */
  get batch(): number {
    return this.sequences.length;
  }

  /** Tokens cached of each sequence. */
  get lengths(): readonly number[] {
    return this.sequences.map(({ length }) => length);
  }

  /** Bytes of the pages that this cache refers to; pages shared with forks count in each of them. */
  get bytes(): number {
    const pages = this.sequences.reduce((sum, sequence) => sum + sequence.pages.length, 0);
    return pages * this.pool.pageBytes * this.shape.layers;
  }

  /**
   * Makes room for `tokens` more tokens of each sequence, best in one slab.
   *
   * @throws {MemoryBudgetError} where memory can't hold them; nothing has changed then.
   */
  reserve(tokens: number): void {
    this.pool.reserve(this.sequences.reduce((sum, sequence) => sum + sequence.missingPages(tokens), 0));
  }

  /**
   * Appends `rows` empty tokens to every sequence; `store` fills them layer by layer.
   *
   * @throws {MemoryBudgetError} where memory can't hold them; nothing has changed then.
   */
  extend(rows: number): void {
    this.reserve(rows);
    for (const sequence of this.sequences) sequence.extend(rows);
  }

  /**
   * Drops every token from `length` on, of each sequence: undoes an `extend`, or what was written past a stop token.
   *
   * @param length one for all sequences, or one for each
   */
  truncate(length: number | readonly number[]): void {
    this.sequences.forEach((sequence, index) => sequence.truncate(typeof length === "number" ? length : length[index]));
  }

  /**
   * Writes the newest rows of one layer to the GPU, but for what lies outside it. `keys` and `values` are f32
   * [batch, rows, KV heads, head size], keys before rotation; `layout` holds the sequences' lengths on the GPU.
   */
  store(layer: number, keys: Tensor, values: Tensor, layout: Tensor): void {
    const rows = keys.shape[1];
    const { keyValueHeads, headSize } = this.shape;
    const threads = this.batch * rows * keyValueHeads * headVectors(headSize);
    const { keyType, valueType, host, outside } = this.pool;
    if (outside.keys) return;
    for (const slab of this.#newestSlabs(rows)) {
      const call = {
        constants: { D4: headVectors(headSize) },
        params: { ...this.addressing(slab), step_rows: rows, head_size: headSize },
        groups: Math.ceil(threads / 64),
        work: 16 * threads,
      };
      const place = [this.table.buffer, layout.buffer];
      // One call for both, also where they are stored otherwise: calls cost the host more than what they do costs the GPU.
      const [kernel, stored, buffers] = host
        ? ["cache_append_keys", storesAs({ keys: keyType }), [keys.buffer, ...place, slab.keys[layer]]] as const
        : [
          "cache_append",
          storesAs({ keys: keyType, values: valueType }),
          [keys.buffer, values.buffer, ...place, slab.keys[layer], slab.values[layer]],
        ] as const;
      this.device.commands.dispatch({ ...call, kernel, ...stored, bindings: buffers.map((buffer) => ({ buffer })) });
    }
  }

  /** The page table on the GPU, u32 [batch, stride]. */
  get table(): Tensor {
    const version = this.#version;
    if (version !== this.#tableVersion || !this.#table) this.#uploadTable();
    this.#tableVersion = version;
    return this.#table!;
  }

  /** The parameters by which a kernel finds a token in one slab. */
  addressing(
    slab: Slab,
  ): {
    batch: number;
    heads: number;
    page_tokens: number;
    table_stride: number;
    slab_first: number;
    slab_pages: number;
  } {
    return {
      batch: this.batch,
      heads: this.shape.keyValueHeads,
      page_tokens: this.pool.pageTokens,
      table_stride: this.table.shape[1],
      slab_first: slab.firstPage,
      slab_pages: slab.pages,
    };
  }

  /** The slabs that hold any of some pages, by default of all that this cache has; kernels run once per slab. */
  slabs(pages?: readonly number[]): Slab[] {
    if (!pages) return [...this.#heldSlabs().keys()];
    const among = new Set(pages.map((page) => this.pool.slabOf(page)));
    return [...this.#heldSlabs().keys()].filter((slab) => among.has(slab));
  }

  /** Pages of a slab up to the last one that holds any of this cache's tokens. */
  pagesUsed(slab: Slab): number {
    return this.#heldSlabs().get(slab) ?? 0;
  }

  /** A cache with the same tokens that grows on its own: full pages are shared, the last one is copied. */
  fork(): KeyValueCache {
    const sequences: CachedSequence[] = [];
    try {
      for (const sequence of this.sequences) sequences.push(sequence.fork());
    } catch (error) {
      for (const sequence of sequences) sequence[Symbol.dispose]();
      throw error;
    }
    return new KeyValueCache(this.device, this.shape, {}, { pool: this.pool, sequences });
  }

  /**
   * Zeros (u32) that calls find and leave as zeros, step after step: clearing them for each step would cost it a pass. For few, small
   * shapes; the cache's own.
   */
  zeros(label: string, shape: readonly number[]): Tensor {
    return this.#zeros.of(label, shape);
  }

  /** Lets go of the pages; the last cache of a pool frees it. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#owns) { for (const sequence of this.sequences) sequence[Symbol.dispose](); }
    this.#table?.[Symbol.dispose]();
    this.#zeros[Symbol.dispose]();
    this.pool.leave();
  }

  /** Versions only rise, so their sum tells a change of any. */
  get #version(): number {
    return this.sequences.reduce((sum, sequence) => sum + sequence.version, 0);
  }

  #newestSlabs(rows: number): Set<Slab> {
    const { pageTokens } = this.pool;
    const slabs = new Set<Slab>();
    for (const { pages, length } of this.sequences) {
      for (let page = Math.floor((length - rows) / pageTokens); page < pages.length; page++) {
        slabs.add(this.pool.slabOf(pages[page]));
      }
    }
    return slabs;
  }

  /** Asked in every layer of every step, but found only where pages came or went: there may be very many. */
  #heldSlabs(): ReadonlyMap<Slab, number> {
    const version = this.#version;
    if (version === this.#slabsVersion) return this.#slabs;
    this.#slabsVersion = version;
    const used = new Map<Slab, number>();
    for (const { pages } of this.sequences) {
      for (const page of pages) {
        const slab = this.pool.slabOf(page);
        used.set(slab, Math.max(used.get(slab) ?? 0, page - slab.firstPage + 1));
      }
    }
    return this.#slabs = new Map([...used].sort(([a], [b]) => a.firstPage - b.firstPage));
  }

  #uploadTable(): void {
    const longest = Math.max(1, ...this.sequences.map(({ pages }) => pages.length));
    // Doubling keeps the table from being made anew for each page.
    const stride = this.#table && this.#table.shape[1] >= longest ? this.#table.shape[1] : Math.max(16, 2 * longest);
    const data = new Uint32Array(this.batch * stride);
    this.sequences.forEach(({ pages }, sequence) => data.set(pages, sequence * stride));
    if (this.#table?.shape[1] !== stride) {
      this.#table?.[Symbol.dispose]();
      this.#table = Tensor.empty(
        this.device,
        [this.batch, stride],
        "u32",
        "page table",
      );
    }
    this.device.commands.write(this.#table.buffer, 0, data);
  }
}
