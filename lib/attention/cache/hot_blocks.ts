import type { ValuesTraffic } from "./outside_values.ts";

/** Values of a few tokens side by side. */
export type ValueBlock = Float32Array<ArrayBuffer>;

interface HotBlock {
  /** The values, once they are read. */
  data: ValueBlock | undefined;
  /** Their reading, while it is under way. */
  reading: Promise<ValueBlock> | undefined;
  /** Whether it was read ahead and nobody has wanted it since. */
  ahead: boolean;
}

/** Reads blocks that lie one after the other. */
export type ReadBlocks = (first: number, count: number) => Promise<ValueBlock[]>;

/** Blocks of values kept in memory, those unused for longest leaving first. Blocks are known by numbers; neighbours lie side by side. */
export class HotBlocks {
  readonly #most: number;
  readonly #read: ReadBlocks;
  /** The one used longest ago comes first. */
  readonly #blocks = new Map<number, HotBlock>();
  readonly #traffic = { hits: 0, ahead: 0, misses: 0, unused: 0 };

  /** At most `most` blocks stay (and what is being read, or wanted at once). */
  constructor(most: number, read: ReadBlocks) {
    this.#most = most;
    this.#read = read;
  }

  /** Blocks in memory. */
  get size(): number {
    return this.#blocks.size;
  }

  /** How often blocks were at hand. */
  get traffic(): ValuesTraffic {
    return { ...this.#traffic };
  }

  /** A block that is in memory, if it is. */
  peek(number: number): ValueBlock | undefined {
    return this.#blocks.get(number)?.data;
  }

  /** Keeps a block that was just written. */
  put(number: number, data: ValueBlock): void {
    this.#blocks.delete(number);
    this.#blocks.set(number, { data, reading: undefined, ahead: false });
    this.#trim();
  }

  /** Forgets a block; what is being read of it is not kept. */
  forget(number: number): void {
    this.#blocks.delete(number);
  }

  /** Forgets all. */
  clear(): void {
    this.#blocks.clear();
  }

  /** Blocks by rising numbers; those not at hand are read, neighbours at once. */
  async want(numbers: readonly number[]): Promise<ValueBlock[]> {
    const missing = numbers.filter((number) => !this.#blocks.has(number));
    this.#traffic.misses += missing.length;
    const isMissing = new Set(missing);
    this.#start(missing, false);
    const found = numbers.map((number) => {
      const block = this.#blocks.get(number)!;
      if (block.ahead) this.#traffic.ahead++;
      else if (!isMissing.has(number)) this.#traffic.hits++;
      block.ahead = false;
      // Used last: it goes to the end.
      this.#blocks.delete(number);
      this.#blocks.set(number, block);
      return block.data ?? block.reading!;
    });
    this.#trim();
    return await Promise.all(found);
  }

  /** Starts reading the blocks that are not at hand. A failure shows when they are wanted: they are then read again. */
  readAhead(numbers: readonly number[]): void {
    this.#start(numbers.filter((number) => !this.#blocks.has(number)), true);
    this.#trim();
  }

  #start(numbers: readonly number[], ahead: boolean): void {
    for (let first = 0; first < numbers.length;) {
      let count = 1;
      while (first + count < numbers.length && numbers[first + count] === numbers[first] + count) count++;
      this.#startRun(numbers[first], count, ahead);
      first += count;
    }
  }

  #startRun(first: number, count: number, ahead: boolean): void {
    const run = this.#read(first, count);
    for (let index = 0; index < count; index++) {
      const reading = run.then((blocks) => blocks[index]);
      const block: HotBlock = { data: undefined, reading, ahead };
      this.#blocks.set(first + index, block);
      reading.then((data) => {
        block.data = data;
        block.reading = undefined;
      }, () => {
        if (this.#blocks.get(first + index) === block) this.#blocks.delete(first + index);
      });
    }
  }

  #trim(): void {
    for (const [number, { ahead }] of this.#blocks) {
      if (this.#blocks.size <= this.#most) return;
      if (ahead) this.#traffic.unused++;
      this.#blocks.delete(number);
    }
  }
}
