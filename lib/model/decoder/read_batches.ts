/** Steps before tokens first come to the host, and how many times as many each read has at most. */
const [FIRST, GROWTH] = [4, 4];
/** Most steps of a batch while none has come yet, and later. */
const MOST = { first: 32, later: 256 };
/**
 * Milliseconds of steps that a batch has, about: a read takes 10 ms in Deno however little it brings, and holds up what would be
 * recorded meanwhile; a reader should not wait long for the next words either.
 */
const MILLISECONDS = 300;

/**
 * How many steps of an answer lie between two reads of its tokens: few at first, so that the first words come soon, and as many as
 * take some 300 ms once it is known how long a step takes.
 *
 * @example
 * ```ts
 * import { ReadBatches } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const batches = new ReadBatches(0); // at 0 ms
 * assertEquals([batches.next(), batches.next()], [4, 16]);
 * batches.came(4, 400); // four tokens after 400 ms: 100 ms a token
 * assertEquals(batches.next(), 3);
 * ```
 */
export class ReadBatches {
  #next = FIRST;
  #most = MOST.first;
  #tokens = 0;
  #at: number;

  /** `now`: when the first step begins, in milliseconds. */
  constructor(now: number) {
    this.#at = now;
  }

  /** Steps of the next batch. */
  next(): number {
    const steps = Math.min(this.#next, this.#most);
    this.#next = GROWTH * steps;
    return steps;
  }

  /** Tells that all `tokens` of the answer so far have come, at `now` in milliseconds. */
  came(tokens: number, now: number): void {
    const perToken = (now - this.#at) / (tokens - this.#tokens);
    this.#most = Math.max(1, Math.min(MOST.later, Math.floor(MILLISECONDS / perToken)));
    this.#tokens = tokens;
    this.#at = now;
  }
}
