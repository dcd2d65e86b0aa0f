import { type AttentionShape, headVectors } from "./shape.ts";

/** Values of a pool's pages in host memory, as f32; a page takes memory when it is first written. */
export class HostValues {
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

  /**
   * Writes the newest tokens of a sequence.
   *
   * @param pages the sequence's pages
   * @param start the first token written
   * @param values f32 [tokens, KV heads, head size]
   */
  write(layer: number, pages: readonly number[], start: number, values: Float32Array): void {
    const { keyValueHeads: heads, headSize } = this.#shape;
    const rows = values.length / (heads * headSize);
    for (let row = 0; row < rows; row++) {
      const token = start + row;
      const data = this.#layer(pages[Math.floor(token / this.#pageTokens)], layer);
      for (let head = 0; head < heads; head++) {
        const from = (row * heads + head) * headSize;
        data.set(values.subarray(from, from + headSize), this.#place(head, token));
      }
    }
  }

  /** Copies the values of listed tokens of a head one after the other into `into`, from element `first` on. */
  gather(
    layer: number,
    pages: readonly number[],
    head: number,
    tokens: Uint32Array,
    into: Float32Array,
    first: number,
  ): void {
    tokens.forEach((token, index) => {
      const data = this.#pages.get(pages[Math.floor(token / this.#pageTokens)])?.[layer];
      const place = this.#place(head, token);
      if (data) into.set(data.subarray(place, place + this.#padded), first + index * this.#padded);
    });
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

  get #padded(): number {
    return 4 * headVectors(this.#shape.headSize);
  }

  #place(head: number, token: number): number {
    return (head * this.#pageTokens + token % this.#pageTokens) * this.#padded;
  }

  #layer(page: number, layer: number): Float32Array<ArrayBuffer> {
    let layers = this.#pages.get(page);
    if (!layers) this.#pages.set(page, layers = new Array(this.#shape.layers).fill(undefined));
    return layers[layer] ??= new Float32Array(this.pageBytes / 4);
  }
}
