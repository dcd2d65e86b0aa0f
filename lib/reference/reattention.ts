import { type AttendedTokens, attendSelected } from "./attend.ts";
import { concat, slice } from "./rearrange.ts";
import { type Dense, dense } from "./dense.ts";
import { completeKnobs, type ReferenceKnobs } from "./knobs.ts";
import { middleLayout, type ReferenceMethod, type ReferenceMode, stepMode } from "./layout.ts";
import { rotaryFrequencies } from "./rotary.ts";
import { scoreTokens } from "./scoring.ts";
import { selectTokens } from "./selection.ts";

/** What a reference layer is made of. */
export interface ReferenceLayerOptions {
  /** Query heads. */
  readonly queryHeads: number;
  /** KV heads; query heads are a multiple of them. */
  readonly keyValueHeads: number;
  /** Channels of a head, d. */
  readonly headSize: number;
  /** What differs from the paper's knobs. */
  readonly knobs?: Partial<ReferenceKnobs>;
  /** Default "reattention". */
  readonly method?: ReferenceMethod;
  /** Rotary frequencies in radians per position, [pairs]. Default: plain ones of base 10,000 for all channels. */
  readonly frequencies?: ArrayLike<number>;
}

/** The tokens of one step, before rotation, head by head. */
export interface ReferenceStepInput {
  /** [query heads, S, d]. */
  readonly queries: Float32Array | number[];
  /** [KV heads, S, d]. */
  readonly keys: Float32Array | number[];
  /** [KV heads, S, d]. */
  readonly values: Float32Array | number[];
  /** Default: a step of length 1 that is not the first one is "decode". */
  readonly phase?: "prefill" | "decode";
  /** Index of the question's first token, for `prefill: "window"`. */
  readonly questionStart?: number;
}

/** What some of the heads attended to. */
export interface AttendedGroup extends AttendedTokens {
  /** Kept candidates as indices into the cache, rising; empty where nothing was selected. */
  readonly centers: Uint32Array<ArrayBuffer>;
  /** Votes of each center. */
  readonly votes: Uint32Array<ArrayBuffer>;
}

/** A step's result. Its own lists are the first group's: all heads' but for `share: "kvHead"`. */
export interface ReferenceStepResult extends AttendedGroup {
  /** What was attended to. */
  readonly mode: ReferenceMode;
  /** One group for all heads, or one for each KV head (`share: "kvHead"`, selecting steps). */
  readonly groups: readonly AttendedGroup[];
  /** Tokens attended to: the largest group's. */
  readonly scope: number;
  /** f32 [query heads, S, d], before the output projection. */
  readonly out: Float32Array<ArrayBuffer>;
}

/** The last selection, and the steps that have gone on with it. */
interface HeldGroups {
  readonly groups: readonly AttendedGroup[];
  readonly phase: "prefill" | "decode";
  readonly windowStart: number;
  readonly end: number;
  readonly age: number;
}

/**
 * One attention layer with its cache, as ALGORITHM.md defines it, in plain loops: what the methods of lib/attention are
 * checked against. Feed it the steps of one sequence in order.
 *
 * @example
 * ```ts
 * import { ReferenceLayer } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = new ReferenceLayer({
 *   queryHeads: 1,
 *   keyValueHeads: 1,
 *   headSize: 2,
 *   knobs: { globalSize: 1, window: 2, k: 1, spanSize: 1, chunkSize: 1 },
 * });
 * const first = { queries: [0, 0, 0, 0], keys: [0, 1, 0, 9], values: [1, 1, 2, 2] };
 * assertEquals(layer.step(first).mode, "full");
 * layer.step({ queries: [0, 1], keys: [0, 0], values: [3, 3] });
 * // Of five tokens the first, the last two, and the best of those between are attended to.
 * layer.step({ queries: [0, 1], keys: [0, 0], values: [4, 4] });
 * const { mode, indices, positions } = layer.step({ queries: [0, 1], keys: [0, 0], values: [5, 5] });
 * assertEquals([mode, [...indices], [...positions]], ["select", [0, 1, 3, 4], [0, 1, 2, 3]]);
 * ```
 */
export class ReferenceLayer {
  /** The knobs, complete. */
  readonly knobs: ReferenceKnobs;
  readonly #options: ReferenceLayerOptions;
  readonly #frequencies: ArrayLike<number>;
  #keys: Dense;
  #values: Dense;
  /** The last `queryCacheLength` queries of all steps so far. */
  #recent: Dense;
  #held: HeldGroups | undefined;

  /**
   * Makes a layer with an empty cache.
   *
   * @throws {RangeError} if a size is not a positive whole number, heads do not divide, or knobs are wrong.
   */
  constructor(options: ReferenceLayerOptions) {
    const { queryHeads, keyValueHeads, headSize } = options;
    for (const [name, value] of Object.entries({ queryHeads, keyValueHeads, headSize })) {
      if (!Number.isInteger(value) || value < 1) {
        throw new RangeError(`ReferenceLayer: ${name} ${value} must be a whole number of at least 1`);
      }
    }
    if (queryHeads % keyValueHeads) {
      throw new RangeError(`ReferenceLayer: ${queryHeads} query heads must be a multiple of ${keyValueHeads} KV heads`);
    }
    this.#options = options;
    this.knobs = completeKnobs(options.knobs);
    this.#frequencies = options.frequencies ?? rotaryFrequencies(headSize);
    this.#keys = this.#values = dense(new Float32Array(0), [keyValueHeads, 0, headSize]);
    this.#recent = dense(new Float32Array(0), [queryHeads, 0, headSize]);
  }

  /** Tokens cached. */
  get length(): number {
    return this.#keys.shape[1];
  }

  /**
   * Adds the step's tokens to the cache and attends.
   *
   * @param input the step's tokens
   * @returns what was attended to, and the layer's output
   * @throws {TypeError} if queries, keys and values are not of the layer's shape for one number of rows.
   * @throws {RangeError} if the step is longer than the window of a step that does not attend to all tokens.
   */
  step(input: ReferenceStepInput): ReferenceStepResult {
    const { method } = this.#options;
    const { queries, keys, values, rows } = this.#shaped(input);
    const first = this.length === 0;
    const phase = input.phase ?? (rows === 1 && !first ? "decode" : "prefill");
    const length = this.length + rows;
    const mode = stepMode({ length, rows, first, phase, questionStart: input.questionStart }, this.knobs, method);
    const goesOn = mode === "select" && this.#goesOn(phase);
    const windowLength = goesOn ? length - this.#held!.windowStart : this.#windowLength(mode, length);
    if (rows > windowLength) {
      throw new RangeError(
        `ReferenceLayer: a step of ${rows} tokens does not fit its window of ${windowLength} tokens`,
      );
    }
    this.#append(queries, keys, values);
    const voters = phase === "decode" && this.knobs.queryCacheLength > 1 ? this.#recent : queries;
    const groups = goesOn
      ? this.#held!.groups.map((group) => this.#grown(group))
      : mode === "select"
      ? this.#select(voters, keys, values)
      : [this.#outer(length - windowLength)];
    if (mode === "select") {
      const age = goesOn ? this.#held!.age + 1 : 0;
      this.#held = { groups, phase, windowStart: length - windowLength, end: length, age };
    }
    const out = attendSelected({
      queries,
      keys: this.#keys,
      values: this.#values,
      groups,
      frequencies: this.#frequencies,
    }).data;
    return { ...groups[0], mode, groups, scope: Math.max(...groups.map(({ indices }) => indices.length)), out };
  }

  /** Selecting lists of the step, ALGORITHM section 5. */
  #select(voters: Dense, newKeys: Dense, newValues: Dense): AttendedGroup[] {
    const { knobs, length } = this;
    const { middleStart, middleLength, windowStart } = middleLayout(length, knobs);
    const { keyValueHeads, headSize } = this.#options;
    const block = [keyValueHeads, middleLength, headSize];
    const scores = scoreTokens({
      scoring: knobs.scoring,
      queries: voters,
      newKeys,
      newValues,
      keys: slice(this.#keys, [0, middleStart, 0], block),
      values: slice(this.#values, [0, middleStart, 0], block),
      start: middleStart,
      length,
      frequencies: this.#frequencies,
    });
    const [heads, rows] = scores.shape;
    const groups = knobs.share === "layer" ? 1 : keyValueHeads;
    return Array.from({ length: groups }, (_, group) => {
      const own = [heads / groups, rows, middleLength];
      const { centers, votes, picked } = selectTokens(slice(scores, [group * own[0], 0, 0], own), knobs);
      const absolute = (token: number) => middleStart + token;
      const indices = Uint32Array.from([
        ...range(0, middleStart),
        ...picked.map(absolute),
        ...range(windowStart, length),
      ]);
      return { indices, positions: this.#positions(indices), centers: centers.map(absolute), votes };
    });
  }

  /** Whether the step attends to what the last one did, and to the tokens since. */
  #goesOn(phase: "prefill" | "decode"): boolean {
    const held = this.#held;
    return held !== undefined && held.phase === phase && held.end === this.length &&
      held.age + 1 < this.knobs.recallEvery;
  }

  /** A group and all tokens since it was made. */
  #grown(group: AttendedGroup): AttendedGroup {
    const indices = Uint32Array.from([...group.indices, ...range(this.#held!.end, this.length)]);
    return { ...group, indices, positions: this.#positions(indices) };
  }

  /** Leading tokens and window; all tokens where the window is all of them. */
  #outer(windowStart: number): AttendedGroup {
    const leading = Math.min(this.knobs.globalSize, windowStart);
    const indices = Uint32Array.from([...range(0, leading), ...range(windowStart, this.length)]);
    return { indices, positions: this.#positions(indices), centers: new Uint32Array(0), votes: new Uint32Array(0) };
  }

  #positions(indices: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
    return this.knobs.positions === "original" ? indices.slice() : Uint32Array.from(indices.keys());
  }

  #windowLength(mode: ReferenceMode, length: number): number {
    if (mode === "full") return length;
    return mode === "window" ? this.knobs.window : middleLayout(length, this.knobs).windowLength;
  }

  #append(queries: Dense, keys: Dense, values: Dense): void {
    this.#keys = concat([this.#keys, keys], 1);
    this.#values = concat([this.#values, values], 1);
    const seen = concat([this.#recent, queries], 1);
    const [heads, rows, size] = seen.shape;
    const kept = Math.min(rows, this.knobs.queryCacheLength);
    this.#recent = slice(seen, [0, rows - kept, 0], [heads, kept, size]);
  }

  #shaped({ queries, keys, values }: ReferenceStepInput): { queries: Dense; keys: Dense; values: Dense; rows: number } {
    const { queryHeads, keyValueHeads, headSize } = this.#options;
    const rows = keys.length / (keyValueHeads * headSize);
    const fits = Number.isInteger(rows) && rows > 0 && values.length === keys.length &&
      queries.length === queryHeads * rows * headSize;
    if (!fits) {
      throw new TypeError(
        `ReferenceLayer: ${queries.length}, ${keys.length} and ${values.length} elements of queries, keys and values must ` +
          `be [${queryHeads}, S, ${headSize}] once and [${keyValueHeads}, S, ${headSize}] twice, S at least 1`,
      );
    }
    const floats = (data: Float32Array | number[], heads: number) =>
      dense(Float32Array.from(data), [heads, rows, headSize]);
    return {
      queries: floats(queries, queryHeads),
      keys: floats(keys, keyValueHeads),
      values: floats(values, keyValueHeads),
      rows,
    };
  }
}

/** Whole numbers from `start` up to, not including, `end`. */
function range(start: number, end: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length: end - start }, (_, i) => start + i);
}
