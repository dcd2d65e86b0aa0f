import type { Device } from "../../gpu/mod.ts";
import { HeldSelection } from "../memory/held_selection.ts";
import type { LayerMemory } from "../memory/layer_memory.ts";
import type { PagePool } from "./page_pool.ts";
import { RecentQueries } from "../memory/recent_queries.ts";
import { restoreMemory } from "../memory/restore_memory.ts";
import type { SequenceState } from "../memory/saved_state.ts";

/**
 * One sequence of a cache: its pages, and what its layers remember of it. Several caches can look at the same one.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { CachedSequence, KeyValueCache } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * using device = await Device.open();
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 4 };
 * using cache = new KeyValueCache(device, shape, { pageTokens: 32 });
 * cache.extend(100);
 * const [sequence] = cache.sequences;
 * assertInstanceOf(sequence, CachedSequence);
 * assertEquals([sequence.length, sequence.pages.length], [100, 4]);
 * assertEquals(sequence.missingPages(29), 1); // 28 more tokens fit on the last page
 * ```
 */
export class CachedSequence {
  readonly #pool: PagePool;
  readonly #pages: number[] = [];
  #length = 0;
  #version = 0;
  #recentQueries = new RecentQueries();
  #held: HeldSelection | undefined;
  readonly #memories = new Map<number, LayerMemory>();

  /** An empty sequence with pages from `pool`. */
  constructor(pool: PagePool) {
    this.#pool = pool;
  }

  /** Pages in the order of their tokens. */
  get pages(): readonly number[] {
    return this.#pages;
  }

  /** Tokens cached. */
  get length(): number {
    return this.#length;
  }

  /** Counts the changes of the list of pages. */
  get version(): number {
    return this.#version;
  }

  /** The last queries of each layer, where a method keeps them. */
  get recentQueries(): RecentQueries {
    return this.#recentQueries;
  }

  /** The last selection, where a method goes on with it. */
  get held(): HeldSelection | undefined {
    return this.#held;
  }

  /** Takes over a selection to go on with; undefined forgets the last one. */
  hold(selection: HeldSelection | undefined): void {
    this.#held?.[Symbol.dispose]();
    this.#held = selection;
  }

  /** What a method keeps of this sequence in one layer, made at its first use. */
  memory<Memory extends LayerMemory>(layer: number, make: () => Memory): Memory {
    let memory = this.#memories.get(layer);
    if (!memory) this.#memories.set(layer, memory = make());
    return memory as Memory;
  }

  /** Bytes that methods keep of this sequence beside its keys and values, all layers together. */
  get memoryBytes(): number {
    return [...this.#memories.values()].reduce((sum, { bytes }) => sum + bytes, 0) + this.#recentQueries.bytes;
  }

  /** Pages that `tokens` more tokens need and that are not there yet, or not this sequence's alone. */
  missingPages(tokens: number): number {
    const missing = Math.ceil((this.#length + tokens) / this.#pool.pageTokens) - this.#pages.length;
    return Math.max(0, missing) + Number(tokens > 0 && this.#lastIsShared);
  }

  /** Appends `rows` empty tokens. */
  extend(rows: number): void {
    if (rows > 0 && this.#lastIsShared) this.#ownLast();
    for (let missing = this.missingPages(rows); missing > 0; missing--) {
      this.#pages.push(this.#pool.allocate());
      this.#version++;
    }
    this.#length += rows;
  }

  /** Drops every token from `length` on. */
  truncate(length: number): void {
    if (length >= this.#length) return;
    for (const page of this.#pages.splice(Math.ceil(length / this.#pool.pageTokens))) this.#pool.release(page);
    this.#version++;
    this.#length = length;
    if (this.#held && this.#held.shape.end > length) this.hold(undefined);
    for (const memory of this.#memories.values()) memory.truncate(length);
  }

  /** A sequence with the same tokens that grows on its own: full pages are shared, the last one is copied. */
  fork(): CachedSequence {
    const fork = new CachedSequence(this.#pool);
    try {
      this.#shareWith(fork);
      return fork;
    } catch (error) {
      fork[Symbol.dispose]();
      throw error;
    }
  }

  /** All that is kept of it beside its pages, for a file; the receiver owns the tensors. */
  save(): SequenceState {
    const memories = Array.from(this.#memories, ([layer, memory]) => [layer, memory.save()] as const);
    return { queries: this.#recentQueries.save(), memories, ...(this.#held && { held: this.#held.save() }) };
  }

  /** Goes on with what was saved of another sequence of the same tokens; takes the state over. */
  resume(device: Device, { queries, held, memories }: SequenceState): void {
    this.#recentQueries[Symbol.dispose]();
    this.#recentQueries = RecentQueries.restore(queries);
    this.hold(held && HeldSelection.restore(held));
    for (const [layer, state] of memories) this.#memories.set(layer, restoreMemory(device, state));
  }

  /** Lets go of the pages. */
  [Symbol.dispose](): void {
    for (const page of this.#pages.splice(0)) this.#pool.release(page);
    this.#recentQueries[Symbol.dispose]();
    this.hold(undefined);
    for (const memory of this.#memories.values()) memory[Symbol.dispose]();
    this.#memories.clear();
  }

  /** Whether the next token falls on a page of a fork too: tokens were dropped since then. */
  get #lastIsShared(): boolean {
    return this.#length % this.#pool.pageTokens > 0 && this.#pool.isShared(this.#pages[this.#pages.length - 1]);
  }

  #ownLast(): void {
    const shared = this.#pages[this.#pages.length - 1];
    this.#pages[this.#pages.length - 1] = this.#pool.duplicate(shared);
    this.#pool.release(shared);
    this.#version++;
  }

  #shareWith(fork: CachedSequence): void {
    const full = Math.floor(this.#length / this.#pool.pageTokens);
    for (const page of this.#pages.slice(0, full)) {
      this.#pool.retain(page);
      fork.#pages.push(page);
    }
    if (full < this.#pages.length) fork.#pages.push(this.#pool.duplicate(this.#pages[full]));
    fork.#length = this.#length;
    fork.#recentQueries = this.#recentQueries.fork();
    fork.#held = this.#held?.fork();
    for (const [layer, memory] of this.#memories) fork.#memories.set(layer, memory.fork());
  }
}
