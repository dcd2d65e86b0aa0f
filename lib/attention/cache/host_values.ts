import type { OutsideValues, WantedValues } from "./outside_values.ts";
import { type AttentionShape, headVectors } from "../shape.ts";

/**
 * Values of a pool's pages in host memory, as f32; a page takes memory when it is first written.
 *
 * @example
 * ```ts
 * import { HostValues } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using host = new HostValues({ layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 4 }, 32);
 * await host.write(0, [0], 0, new Float32Array([1, 2, 3, 4, 5, 6, 7, 8])); // tokens 0 and 1, on page 0
 * const into = new Float32Array(4);
 * await host.gather(0, [{ pages: [0], heads: [0], tokens: new Uint32Array([1]), places: [0] }], into);
 * assertEquals([...into], [5, 6, 7, 8]);
 * ```
 */
export class HostValues implements OutsideValues {
  /** In memory. */
  readonly place = "host";
  readonly #shape: AttentionShape;
  readonly #pageTokens: number;
  /** Of each page, layer by layer: [KV heads, page tokens, padded head size]. */
  readonly #pages = new Map<number, (Float32Array<ArrayBuffer> | undefined)[]>();

  /** No pages yet. */
  constructor(shape: AttentionShape, pageTokens: number) {
    this.#shape = shape;
    this.#pageTokens = pageTokens;
  }

  /** Bytes of one page in one layer. */
  get pageBytes(): number {
    return 4 * this.#shape.keyValueHeads * this.#pageTokens * this.#padded;
  }

  /** Bytes of the pages written so far. */
  get memoryBytes(): number {
    return this.#pages.size * this.#shape.layers * this.pageBytes;
  }

  /** Writes the newest tokens of a sequence; nothing has to be waited for. */
  write(layer: number, pages: readonly number[], start: number, values: Float32Array): Promise<void> {
    const { keyValueHeads: heads, headSize } = this.#shape;
    const rows = values.length / (heads * headSize);
    for (let row = 0; row < rows; row++) {
      const token = start + row;
      const data = this.#layer(pages[Math.floor(token / this.#pageTokens)], layer);
      for (let head = 0; head < heads; head++) {
        const from = (row * heads + head) * headSize;
        data.set(values.subarray(from, from + headSize), this.#placeOf(head, token));
      }
    }
    return Promise.resolve();
  }

  /** Copies wanted values; nothing has to be waited for. */
  gather(layer: number, wanted: readonly WantedValues[], into: Float32Array): Promise<void> {
    for (const { pages, heads, tokens, places } of wanted) {
      heads.forEach((head, index) => this.#gatherHead(layer, pages, head, tokens, into, places[index]));
    }
    return Promise.resolve();
  }

  /** All is at hand. */
  readAhead(): void {}

  /** Copies a page out; nothing has to be waited for. */
  readPage(layer: number, page: number, tokens: number, into: Float32Array): Promise<void> {
    const data = this.#pages.get(page)?.[layer];
    const size = this.#pageTokens * this.#padded;
    into.fill(0);
    for (let head = 0; data && head < this.#shape.keyValueHeads; head++) {
      into.set(data.subarray(head * size, head * size + tokens * this.#padded), head * size);
    }
    return Promise.resolve();
  }

  /** Takes a page over; nothing has to be waited for. */
  writePage(layer: number, page: number, _tokens: number, values: Float32Array): Promise<void> {
    this.#layer(page, layer).set(values);
    return Promise.resolve();
  }

  /** Copies a page to another in every layer. */
  copy(source: number, target: number): void {
    const data = this.#pages.get(source);
    if (data) this.#pages.set(target, data.map((layer) => layer?.slice()));
  }

  /** Gives a page's memory back. */
  drop(page: number): void {
    this.#pages.delete(page);
  }

  /** Gives all memory back. */
  [Symbol.dispose](): void {
    this.#pages.clear();
  }

  /** Tokens side by side on a page are copied at once. */
  #gatherHead(
    layer: number,
    pages: readonly number[],
    head: number,
    tokens: Uint32Array,
    into: Float32Array,
    first: number,
  ): void {
    for (let index = 0; index < tokens.length;) {
      const token = tokens[index];
      const page = Math.floor(token / this.#pageTokens);
      const end = (page + 1) * this.#pageTokens;
      let run = 1;
      while (index + run < tokens.length && tokens[index + run] === token + run && token + run < end) run++;
      const data = this.#pages.get(pages[page])?.[layer];
      const place = this.#placeOf(head, token);
      if (data) into.set(data.subarray(place, place + run * this.#padded), first + index * this.#padded);
      index += run;
    }
  }

  get #padded(): number {
    return 4 * headVectors(this.#shape.headSize);
  }

  #placeOf(head: number, token: number): number {
    return (head * this.#pageTokens + token % this.#pageTokens) * this.#padded;
  }

  #layer(page: number, layer: number): Float32Array<ArrayBuffer> {
    let layers = this.#pages.get(page);
    if (!layers) this.#pages.set(page, layers = new Array(this.#shape.layers).fill(undefined));
    return layers[layer] ??= new Float32Array(this.pageBytes / 4);
  }
}
