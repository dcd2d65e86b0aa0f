import { openScratch } from "../../platform.ts";
import { HotBlocks, type ValueBlock } from "./hot_blocks.ts";
import type { OutsideValues, ValuesTraffic, WantedValues } from "./outside_values.ts";
import { paddedRows, pageOfRows, type PageSizes, rowsOfPage } from "./page_rows.ts";
import { type AttentionShape, headVectors } from "../shape.ts";

/** What values in a file need of it. */
export interface ValuesFile {
  /** Reads bytes from a place. */
  read(offset: number, into: Uint8Array): Promise<void>;
  /** Writes bytes at a place. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Copies bytes to another place at once. */
  copy(source: number, target: number, bytes: number): void;
  /** Gives the file and its room on the disk back. */
  close(): void;
}

/** Where the file is, and how much of it stays in memory too. */
export interface FileValuesOptions {
  /** Folder of the file. Default: the system's for temporary files. */
  readonly folder?: string;
  /** Bytes of values that stay in memory, those used last. Default 2^28 (256 MiB). */
  readonly hotBytes?: number;
}

/**
 * Bytes of values in a file that stay in memory too.
 *
 * @example
 * ```ts
 * import { hotBytesOf } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(hotBytesOf({ hotBytes: 1024 }), 1024);
 * assertEquals(hotBytesOf(), 256 * 2 ** 20);
 * ```
 */
export function hotBytesOf({ hotBytes = 2 ** 28 }: FileValuesOptions = {}): number {
  return hotBytes;
}

/** Most tokens that are read at once. */
const BLOCK_TOKENS = 32;

/**
 * Values of a pool's pages in a file, as f32. The blocks of tokens used last stay in memory; what a layer wanted last is read ahead
 * while the layer before it runs. A page lies in one place, layer by layer: [page tokens, KV heads, padded head size].
 *
 * @example
 * ```ts
 * import { FileValues } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using file = new FileValues({ layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 4 }, 32);
 * await file.write(0, [0], 0, new Float32Array([1, 2, 3, 4, 5, 6, 7, 8])); // tokens 0 and 1, on page 0
 * const into = new Float32Array(4);
 * await file.gather(0, [{ pages: [0], heads: [0], tokens: new Uint32Array([1]), places: [0] }], into);
 * assertEquals([...into], [5, 6, 7, 8]);
 * ```
 */
export class FileValues implements OutsideValues {
  /** In a file. */
  readonly place = "file";
  readonly #shape: AttentionShape;
  readonly #pageTokens: number;
  readonly #blockTokens: number;
  readonly #file: ValuesFile;
  readonly #hot: HotBlocks;
  /** Numbers of the blocks that each layer wanted last. */
  readonly #last: number[][] = [];

  /**
   * No pages yet.
   *
   * @throws {PlatformError} where no file can be made.
   */
  constructor(
    shape: AttentionShape,
    pageTokens: number,
    options: FileValuesOptions = {},
    file?: ValuesFile,
  ) {
    const hotBytes = hotBytesOf(options);
    if (!(hotBytes >= 0)) throw new RangeError(`hotBytes ${hotBytes} must be at least 0`);
    this.#shape = shape;
    this.#pageTokens = pageTokens;
    this.#blockTokens = largestDivisor(pageTokens, BLOCK_TOKENS);
    this.#file = file ?? openScratch(options.folder);
    this.#hot = new HotBlocks(Math.floor(hotBytes / this.#blockBytes), (first, count) => this.#read(first, count));
  }

  /** Bytes of one page in one layer. */
  get pageBytes(): number {
    return this.#pageTokens * this.#tokenBytes;
  }

  /** Bytes of the blocks that are in memory too. */
  get memoryBytes(): number {
    return this.#hot.size * this.#blockBytes;
  }

  /** How often blocks were in memory when they were wanted. */
  get traffic(): ValuesTraffic {
    return this.#hot.traffic;
  }

  /** Writes the newest tokens of a sequence to the file and, where a block begins or is in memory, there. */
  async write(
    layer: number,
    pages: readonly number[],
    start: number,
    values: Float32Array<ArrayBuffer>,
  ): Promise<void> {
    const rows = paddedRows(values, this.#shape.headSize, this.#padded);
    const width = this.#tokenBytes / 4;
    const end = start + rows.length / width;
    for (let token = start; token < end;) {
      const next = Math.min(end, (Math.floor(token / this.#pageTokens) + 1) * this.#pageTokens);
      const run = rows.subarray((token - start) * width, (next - start) * width);
      const page = pages[Math.floor(token / this.#pageTokens)];
      await this.#writeRun(layer, page, token % this.#pageTokens, run);
      token = next;
    }
  }

  /** Copies wanted values; blocks that are not in memory are read first. */
  async gather(layer: number, wanted: readonly WantedValues[], into: Float32Array): Promise<void> {
    const numbers = this.#blocksOf(layer, wanted);
    this.#last[layer] = numbers;
    const blocks = await this.#hot.want(numbers);
    const byNumber = new Map(numbers.map((number, index) => [number, blocks[index]]));
    for (const part of wanted) this.#copyOut(layer, part, byNumber, into);
  }

  /** Starts reading what the layer wanted last and is not in memory. */
  readAhead(layer: number): void {
    const last = this.#last[layer];
    if (last) this.#hot.readAhead(last);
  }

  /** Reads a page from the file, past what is in memory: a page that is saved is not one that is used. */
  async readPage(layer: number, page: number, tokens: number, into: Float32Array): Promise<void> {
    const rows = new Float32Array(Math.ceil(tokens / this.#blockTokens) * this.#blockBytes / 4);
    await this.#file.read(this.#blockNumber(layer, page, 0) * this.#blockBytes, new Uint8Array(rows.buffer));
    pageOfRows(rows, this.#sizes, tokens, into);
  }

  /** Writes a page to the file; its blocks are in memory too until others take their place. */
  async writePage(layer: number, page: number, tokens: number, values: Float32Array<ArrayBuffer>): Promise<void> {
    await this.#writeRun(layer, page, 0, rowsOfPage(values, this.#sizes, tokens));
  }

  /** Copies a page to another in every layer. */
  copy(source: number, target: number): void {
    this.#forget(target);
    const first = (page: number) => this.#blockNumber(0, page, 0) * this.#blockBytes;
    this.#file.copy(first(source), first(target), this.#shape.layers * this.pageBytes);
  }

  /** Forgets a page; its place in the file is written over once the page is used again. */
  drop(page: number): void {
    this.#forget(page);
  }

  /** Gives the file and the memory back. */
  [Symbol.dispose](): void {
    this.#hot.clear();
    this.#last.length = 0;
    this.#file.close();
  }

  get #sizes(): PageSizes {
    return { heads: this.#shape.keyValueHeads, pageTokens: this.#pageTokens, padded: this.#padded };
  }

  get #padded(): number {
    return 4 * headVectors(this.#shape.headSize);
  }

  get #tokenBytes(): number {
    return 4 * this.#shape.keyValueHeads * this.#padded;
  }

  get #blockBytes(): number {
    return this.#blockTokens * this.#tokenBytes;
  }

  get #pageBlocks(): number {
    return this.#pageTokens / this.#blockTokens;
  }

  /** Blocks are numbered as they lie in the file. */
  #blockNumber(layer: number, page: number, block: number): number {
    return (page * this.#shape.layers + layer) * this.#pageBlocks + block;
  }

  #numberOf(layer: number, pages: readonly number[], token: number): number {
    const block = Math.floor(token % this.#pageTokens / this.#blockTokens);
    return this.#blockNumber(layer, pages[Math.floor(token / this.#pageTokens)], block);
  }

  /** Numbers of the blocks that hold wanted tokens, rising. */
  #blocksOf(layer: number, wanted: readonly WantedValues[]): number[] {
    const numbers = new Set<number>();
    for (const { pages, tokens } of wanted) {
      for (const token of tokens) numbers.add(this.#numberOf(layer, pages, token));
    }
    return [...numbers].sort((a, b) => a - b);
  }

  #copyOut(
    layer: number,
    { pages, heads, tokens, places }: WantedValues,
    blocks: ReadonlyMap<number, ValueBlock>,
    into: Float32Array,
  ): void {
    const padded = this.#padded;
    const width = this.#tokenBytes / 4;
    tokens.forEach((token, index) => {
      const block = blocks.get(this.#numberOf(layer, pages, token))!;
      const row = token % this.#blockTokens * width;
      heads.forEach((head, place) => {
        const from = row + head * padded;
        into.set(block.subarray(from, from + padded), places[place] + index * padded);
      });
    });
  }

  /** Writes tokens of one page, f32 [tokens, KV heads, padded head size]. */
  async #writeRun(layer: number, page: number, within: number, run: Float32Array<ArrayBuffer>): Promise<void> {
    this.#keepHot(layer, page, within, run);
    const offset = this.#blockNumber(layer, page, 0) * this.#blockBytes + within * this.#tokenBytes;
    await this.#file.write(offset, this.#wholeBlocks(within, run));
  }

  /** Brings a run of new tokens into the blocks that are in memory, and makes those that begin with it. */
  #keepHot(layer: number, page: number, within: number, run: Float32Array): void {
    const width = this.#tokenBytes / 4;
    const size = this.#blockTokens;
    const tokens = run.length / width;
    for (let token = within; token < within + tokens;) {
      const block = Math.floor(token / size);
      const end = Math.min(within + tokens, (block + 1) * size);
      const number = this.#blockNumber(layer, page, block);
      const data = token % size === 0 ? new Float32Array(size * width) : this.#hot.peek(number);
      data?.set(run.subarray((token - within) * width, (end - within) * width), token % size * width);
      if (data) this.#hot.put(number, data);
      else this.#hot.forget(number);
      token = end;
    }
  }

  /** A run's bytes, with zeros up to the end of a block that begins in it: what is read later are whole blocks. */
  #wholeBlocks(within: number, run: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const tokens = run.length * 4 / this.#tokenBytes;
    const begun = (within + tokens) % this.#blockTokens;
    const bytes = new Uint8Array(run.buffer, run.byteOffset, run.byteLength);
    if (begun === 0 || begun > tokens) return bytes;
    const padded = new Uint8Array(bytes.length + (this.#blockTokens - begun) * this.#tokenBytes);
    padded.set(bytes);
    return padded;
  }

  async #read(first: number, count: number): Promise<ValueBlock[]> {
    const data = new Float32Array(count * this.#blockBytes / 4);
    await this.#file.read(first * this.#blockBytes, new Uint8Array(data.buffer));
    return Array.from({ length: count }, (_, index) => {
      const size = this.#blockBytes / 4;
      // A block of its own each: one that stays must not keep its neighbours.
      return count === 1 ? data : data.slice(index * size, (index + 1) * size);
    });
  }

  #forget(page: number): void {
    for (let layer = 0; layer < this.#shape.layers; layer++) {
      for (let block = 0; block < this.#pageBlocks; block++) {
        this.#hot.forget(this.#blockNumber(layer, page, block));
      }
    }
  }
}

function largestDivisor(number: number, most: number): number {
  for (let divisor = Math.min(number, most); divisor > 1; divisor--) if (number % divisor === 0) return divisor;
  return 1;
}
