import type { Device } from "../gpu/mod.ts";
import { Tensor } from "../tensor/mod.ts";
import { type PageOptions, PagePool, type Slab } from "./page_pool.ts";
import { RecentQueries } from "./recent_queries.ts";
import { type AttentionShape, checkAttentionShape, headVectors } from "./shape.ts";

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
  readonly #tables: number[][];
  readonly #lengths: number[];
  #table: Tensor | undefined;
  #stale = true;
  #recentQueries = new RecentQueries();
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
    pool?: PagePool,
  ) {
    checkAttentionShape(shape);
    const batch = options.batch ?? 1;
    if (!Number.isInteger(batch) || batch < 1) {
      throw new RangeError(
        `batch ${batch} must be a whole number of at least 1`,
      );
    }
    this.device = device;
    this.shape = shape;
    this.pool = pool ?? new PagePool(device, shape, options);
    this.pool.join();
    this.#tables = Array.from({ length: batch }, () => []);
    this.#lengths = new Array<number>(batch).fill(0);
  }

  /** Sequences held side by side. */
  get batch(): number {
    return this.#lengths.length;
  }

  /** Tokens cached of each sequence. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  /** Bytes of the pages that this cache refers to; pages shared with forks count in each of them. */
  get bytes(): number {
    const pages = this.#tables.reduce((sum, table) => sum + table.length, 0);
    return pages * this.pool.pageBytes * this.shape.layers;
  }

  /**
   * Makes room for `tokens` more tokens of each sequence, best in one slab.
   *
   * @throws {MemoryBudgetError} where memory can't hold them; nothing has changed then.
   */
  reserve(tokens: number): void {
    this.pool.reserve(this.#missingPages(tokens));
  }

  /**
   * Appends `rows` empty tokens to every sequence; `store` fills them layer by layer.
   *
   * @throws {MemoryBudgetError} where memory can't hold them; nothing has changed then.
   */
  extend(rows: number): void {
    this.reserve(rows);
    this.#lengths.forEach((length, sequence) => {
      const table = this.#tables[sequence];
      const pages = Math.ceil((length + rows) / this.pool.pageTokens);
      while (table.length < pages) {
        table.push(this.pool.allocate());
        this.#stale = true;
      }
      this.#lengths[sequence] = length + rows;
    });
  }

  /** Drops every token from `length` on, of each sequence: undoes an `extend`, or what was written past a stop token. */
  truncate(length: number): void {
    this.#lengths.forEach((cached, sequence) => {
      if (length >= cached) return;
      const table = this.#tables[sequence];
      const pages = Math.ceil(length / this.pool.pageTokens);
      for (const page of table.splice(pages)) this.pool.release(page);
      this.#lengths[sequence] = length;
    });
  }

  /**
   * Writes the newest rows of one layer. `keys` and `values` are f32 [batch, rows, KV heads, head size], keys before rotation;
   * `layout` holds the sequences' lengths on the GPU.
   */
  store(layer: number, keys: Tensor, values: Tensor, layout: Tensor): void {
    const rows = keys.shape[1];
    const { keyValueHeads, headSize } = this.shape;
    const threads = this.batch * rows * keyValueHeads * headVectors(headSize);
    for (const slab of this.#newestSlabs(rows)) {
      for (
        const [source, pages, type] of [
          [keys, slab.keys[layer], this.pool.keyType],
          [values, slab.values[layer], this.pool.valueType],
        ] as const
      ) {
        this.device.commands.dispatch({
          kernel: "cache_append",
          types: { Element: type },
          constants: { D4: headVectors(headSize) },
          params: {
            ...this.addressing(slab),
            step_rows: rows,
            head_size: headSize,
          },
          bindings: [{ buffer: source.buffer }, { buffer: this.table.buffer }, {
            buffer: layout.buffer,
          }, { buffer: pages }],
          groups: Math.ceil(threads / 64),
          work: 8 * threads,
        });
      }
    }
  }

  /** The last queries of each layer, where a method keeps them. */
  get recentQueries(): RecentQueries {
    return this.#recentQueries;
  }

  /** The page table on the GPU, u32 [batch, stride]. */
  get table(): Tensor {
    if (this.#stale || !this.#table) this.#uploadTable();
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

  /** The slabs that hold any of this cache's tokens; kernels run once per slab. */
  slabs(): Slab[] {
    return this.#slabsOf(this.#tables.flat());
  }

  /** A cache with the same tokens that grows on its own: full pages are shared, the last one is copied. */
  fork(): KeyValueCache {
    const fork = new KeyValueCache(this.device, this.shape, {
      batch: this.batch,
    }, this.pool);
    try {
      this.#tables.forEach((table, sequence) => fork.#adopt(sequence, table, this.#lengths[sequence]));
      fork.#recentQueries = this.#recentQueries.fork();
      return fork;
    } catch (error) {
      fork[Symbol.dispose]();
      throw error;
    }
  }

  /** Lets go of the pages; the last cache of a pool frees it. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const page of this.#tables.flat()) this.pool.release(page);
    this.#table?.[Symbol.dispose]();
    this.#recentQueries[Symbol.dispose]();
    this.pool.leave();
  }

  #adopt(sequence: number, table: readonly number[], length: number): void {
    const full = Math.floor(length / this.pool.pageTokens);
    for (const page of table.slice(0, full)) {
      this.pool.retain(page);
      this.#tables[sequence].push(page);
    }
    if (full < Math.ceil(length / this.pool.pageTokens)) {
      const copy = this.pool.allocate();
      this.#tables[sequence].push(copy);
      this.pool.copy(table[full], copy);
    }
    this.#lengths[sequence] = length;
  }

  #missingPages(tokens: number): number {
    return this.#lengths.reduce((sum, length, sequence) => {
      const pages = Math.ceil((length + tokens) / this.pool.pageTokens);
      return sum + Math.max(0, pages - this.#tables[sequence].length);
    }, 0);
  }

  #newestSlabs(rows: number): Slab[] {
    return this.#slabsOf(this.#tables.flatMap((table, sequence) => {
      return table.slice(
        Math.floor((this.#lengths[sequence] - rows) / this.pool.pageTokens),
      );
    }));
  }

  #slabsOf(pages: readonly number[]): Slab[] {
    return this.pool.slabs.filter((slab) =>
      pages.some((page) => page >= slab.firstPage && page < slab.firstPage + slab.pages)
    );
  }

  #uploadTable(): void {
    const longest = Math.max(1, ...this.#tables.map((table) => table.length));
    // Doubling keeps the table from being made anew for each page.
    const stride = this.#table && this.#table.shape[1] >= longest ? this.#table.shape[1] : Math.max(16, 2 * longest);
    const data = new Uint32Array(this.batch * stride);
    this.#tables.forEach((table, sequence) => data.set(table, sequence * stride));
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
    this.#stale = false;
  }
}
