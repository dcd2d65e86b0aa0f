/** Tokens whose values are wanted in one layer: of one sequence, and of one KV head or of all alike. */
export interface WantedValues {
  /** The sequence's pages. */
  readonly pages: readonly number[];
  /** The KV heads. */
  readonly heads: readonly number[];
  /** The tokens. */
  readonly tokens: Uint32Array;
  /** Element of the target where each head's values begin, in the order of `heads`. */
  readonly places: readonly number[];
}

/** How often values were where they were wanted. */
export interface ValuesTraffic {
  /** Blocks that were in memory when they were wanted. */
  readonly hits: number;
  /** Blocks that were being read ahead, or had been and were not wanted before. */
  readonly ahead: number;
  /** Blocks that were read when they were wanted. */
  readonly misses: number;
  /** Blocks read ahead that left memory before anybody wanted them. */
  readonly unused: number;
}

/** Values of a pool's pages away from the GPU, as f32; keys lie in one of their own where they are away too. */
export interface OutsideValues {
  /** Where they are: in the machine's memory, or in a file. */
  readonly place: "host" | "file";
  /** Bytes of one page in one layer. */
  readonly pageBytes: number;
  /** Bytes of memory that they take now. */
  readonly memoryBytes: number;
  /** How often values were at hand; undefined where they always are. */
  readonly traffic?: ValuesTraffic;
  /**
   * Keeps the values of the newest tokens of a sequence.
   *
   * @param pages the sequence's pages
   * @param start the first token
   * @param values f32 [tokens, KV heads, head size]
   * @throws {PlatformError} where a file can't take them.
   */
  write(layer: number, pages: readonly number[], start: number, values: Float32Array<ArrayBuffer>): Promise<void>;
  /**
   * Copies wanted values one token after the other, each padded to whole vectors of four.
   *
   * @throws {PlatformError} where a file does not give them.
   */
  gather(layer: number, wanted: readonly WantedValues[], into: Float32Array): Promise<void>;
  /** Has what the layer will most likely want next read in the background: what it wanted last. */
  readAhead(layer: number): void;
  /**
   * Copies out what a page's first tokens have in one layer, as pages on the GPU have it; what is at hand stays so.
   *
   * @param into f32 [KV heads, page tokens, padded head size]; zeros where there are no tokens
   * @throws {PlatformError} where a file does not give them.
   */
  readPage(layer: number, page: number, tokens: number, into: Float32Array): Promise<void>;
  /**
   * Keeps what `readPage` gave, here or elsewhere, or a page on the GPU.
   *
   * @throws {PlatformError} where a file can't take them.
   */
  writePage(layer: number, page: number, tokens: number, values: Float32Array<ArrayBuffer>): Promise<void>;
  /** Copies a page to another in every layer. */
  copy(source: number, target: number): void;
  /** Forgets a page. */
  drop(page: number): void;
  /** Gives all back. */
  [Symbol.dispose](): void;
}
