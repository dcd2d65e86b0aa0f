const GOLDEN_RATIO = 0x9e3779b9;

/** The next output of splitmix32 (a 32-bit member of Steele, Lea and Flood's SplitMix family) for a state. */
function mixed(state: number): number {
  let word = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
  word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
  return (word ^ (word >>> 15)) >>> 0;
}

function rotateLeft(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

/**
 * Repeatable random numbers: xoshiro128** by Blackman and Vigna (2018), seeded by splitmix32. The same seeds give the
 * same numbers on every machine.
 *
 * @example
 * ```ts
 * import { Random } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new Random(7).below(1000), new Random(7).below(1000));
 * ```
 */
export class Random {
  readonly #state = new Int32Array(4);

  /**
   * Several seeds name one stream among many, such as seed, length and number of a haystack.
   *
   * @param seeds whole numbers from 0 to 2^32 - 1, at least one
   * @throws {RangeError} for seeds that are none.
   */
  constructor(...seeds: readonly number[]) {
    if (seeds.length === 0) throw new RangeError("Random: give at least one seed");
    let state = 0;
    for (const seed of seeds) {
      if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
        throw new RangeError(`Random: seed ${seed} must be a whole number from 0 to ${2 ** 32 - 1}`);
      }
      state = mixed((state + GOLDEN_RATIO + seed) | 0);
    }
    // Four outputs of one splitmix stream are never all zero, which xoshiro could not leave.
    for (let i = 0; i < 4; i++) {
      state = (state + GOLDEN_RATIO) | 0;
      this.#state[i] = mixed(state);
    }
  }

  /** A number of 32 random bits, from 0 to 2^32 - 1. */
  next(): number {
    const state = this.#state;
    const result = Math.imul(rotateLeft(Math.imul(state[1], 5), 7), 9) >>> 0;
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotateLeft(state[3], 11);
    return result;
  }

  /**
   * A whole number from 0 to `count` - 1, each equally likely.
   *
   * @param count a whole number from 1 to 2^32
   * @throws {RangeError} for a count that is none.
   */
  below(count: number): number {
    if (!Number.isInteger(count) || count < 1 || count > 2 ** 32) {
      throw new RangeError(`Random.below: count ${count} must be a whole number from 1 to ${2 ** 32}`);
    }
    // The last, incomplete stretch of multiples would make small numbers likelier: draw again there.
    const usable = 2 ** 32 - (2 ** 32 % count);
    let word = this.next();
    while (word >= usable) word = this.next();
    return word % count;
  }

  /**
   * One element of a list, each equally likely.
   *
   * @throws {RangeError} for an empty list.
   */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /**
   * Distinct whole numbers from 0 to `count` - 1 in random order.
   *
   * @param size how many; at most `count`
   * @throws {RangeError} if there are fewer than `size` numbers.
   */
  distinct(size: number, count: number): number[] {
    if (!Number.isInteger(size) || size < 0 || size > count) {
      throw new RangeError(`Random.distinct: ${size} distinct numbers can't be had from ${count}`);
    }
    const chosen = new Set<number>();
    // Floyd's way: memory of the sample's size only.
    for (let top = count - size; top < count; top++) {
      const number = this.below(top + 1);
      chosen.add(chosen.has(number) ? top : number);
    }
    return this.#shuffled([...chosen]);
  }

  #shuffled(list: number[]): number[] {
    for (let last = list.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [list[last], list[other]] = [list[other], list[last]];
    }
    return list;
  }
}
