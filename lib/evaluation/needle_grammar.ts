import { Random } from "./random.ts";

/** A fact hidden in a haystack: `secret code of K7 482 913 .` */
export interface Needle {
  /** Whose code it is: K0 to K199. */
  readonly name: string;
  /** The code: two numbers of three digits. */
  readonly values: readonly [string, string];
  /** Where the needle's first token stands in the haystack. */
  readonly tokenIndex: number;
  /** Where its two numbers stand in the haystack. */
  readonly valueTokenIndices: readonly [number, number];
}

/** A context made by the toy grammar, with needles in it. */
export interface Haystack {
  /** Its tokens, one word each. */
  readonly words: readonly string[];
  /** The words with blanks between. */
  readonly text: string;
  /** The needles in the order of their places. */
  readonly needles: readonly Needle[];
}

/** A question about a needle. */
export interface NeedleQuestion {
  /** The question up to the answer's opening words. */
  readonly prompt: string;
  /** What comes next: the two numbers. */
  readonly answer: string;
}

/** What a haystack is made of. */
export interface HaystackOptions {
  /** Tokens in all, the needles and the opening `<s>` included. */
  tokens: number;
  /** Needles with distinct names, from 0 to 200. Default 8. */
  needles?: number;
  /** Where the words come from; the same state gives the same haystack. */
  random: Random;
}

/** Tokens of a question and of the answer's two numbers: a context of `length - questionTokens` fits `length` with both. */
export const questionTokens: number = 16;

/** Tokens of a needle, its full stop included. */
export const needleTokens: number = 7;

const NAMES = 200;
const determiners = ["the", "a", "this", "that", "every"];
const prepositions = ["in", "on", "near", "under", "over", "behind", "with", "from"];

const adjective = (random: Random) => `a${random.below(80)}`;
const noun = (random: Random) => `n${random.below(160)}`;
const verb = (random: Random) => `v${random.below(80)}`;
const properName = (random: Random) => `K${random.below(NAMES)}`;
const determiner = (random: Random) => random.pick(determiners);
const preposition = (random: Random) => random.pick(prepositions);
const fullStop = () => ".";

type Slot = (random: Random) => string;
const plain: readonly Slot[] = [
  ...[determiner, adjective, noun, verb, determiner, noun],
  ...[preposition, noun, fullStop],
];
const named: readonly Slot[] = [
  ...[properName, verb, determiner, adjective, noun],
  ...[preposition, determiner, noun, fullStop],
];

/** `<s>` and sentences, the last one cut where the count of tokens is reached; four in five start with no name. */
function filler(tokens: number, random: Random): string[] {
  const words = ["<s>"];
  while (words.length < tokens) {
    for (const slot of random.below(5) === 0 ? named : plain) words.push(slot(random));
  }
  return words.slice(0, tokens);
}

const threeDigits = (random: Random) => String(random.below(1000)).padStart(3, "0");

/** Places in the filler that needles are put before: one in each of `count` equal stretches, any token of it. */
function places(count: number, fillerTokens: number, random: Random): number[] {
  return Array.from({ length: count }, (_, index) => {
    // Never before the opening token.
    const first = 1 + Math.floor((index * fillerTokens) / count);
    const end = 1 + Math.floor(((index + 1) * fillerTokens) / count);
    return first + random.below(end - first);
  });
}

/**
 * Makes a haystack of the embedded model's toy grammar: four fifths of the sentences `DET a* n* v* DET n* PREP n* .`, one
 * fifth `K* v* DET a* n* PREP DET n* .`, and needles `secret code of K* NNN NNN .` with distinct names. There is one
 * needle in each of as many equal stretches as there are needles, before any token there, so it may cut a sentence but
 * never another needle. Names of needles may also stand in sentences, as distractors.
 *
 * @throws {RangeError} for more needles than names, or fewer tokens than the needles need.
 *
 * @example
 * ```ts
 * import { makeHaystack, Random } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const { words, needles } = makeHaystack({ tokens: 200, needles: 2, random: new Random(1) });
 * assertEquals(words.length, 200);
 * const { tokenIndex, name, values } = needles[0];
 * assertEquals(words.slice(tokenIndex, tokenIndex + 7), ["secret", "code", "of", name, ...values, "."]);
 * ```
 */
export function makeHaystack({ tokens, needles: count = 8, random }: HaystackOptions): Haystack {
  if (!Number.isInteger(count) || count < 0 || count > NAMES) {
    throw new RangeError(
      `makeHaystack: needles ${count} must be a whole number from 0 to ${NAMES}: names are distinct`,
    );
  }
  const least = smallestHaystack(count);
  if (!Number.isInteger(tokens) || tokens < least) {
    throw new RangeError(
      `makeHaystack: tokens ${tokens} must be a whole number of at least ${least} with ${count} needles`,
    );
  }
  const hay = filler(tokens - count * needleTokens, random);
  const names = random.distinct(count, NAMES);
  // Places run to the filler's length itself: a needle may be the last thing in the haystack.
  const starts = places(count, hay.length, random);
  const words: string[] = [];
  const needles: Needle[] = [];
  for (const [index, start] of starts.entries()) {
    words.push(...hay.slice(index === 0 ? 0 : starts[index - 1], start));
    const name = `K${names[index]}`;
    const values: [string, string] = [threeDigits(random), threeDigits(random)];
    const tokenIndex = words.length;
    needles.push({ name, values, tokenIndex, valueTokenIndices: [tokenIndex + 4, tokenIndex + 5] });
    words.push("secret", "code", "of", name, ...values, ".");
  }
  words.push(...hay.slice(starts.at(-1) ?? 0));
  return { words, text: words.join(" "), needles };
}

/** Fewest tokens of a haystack with so many needles: as many tokens again for sentences. */
export function smallestHaystack(needles: number): number {
  return 2 * needles * needleTokens + 1;
}

/**
 * The question about a needle. It ends with the answer's opening words, so the model continues with the two numbers.
 *
 * @example
 * ```ts
 * import { askNeedle } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(askNeedle({ name: "K7", values: ["482", "913"] }), {
 *   prompt: "question : what is secret code of K7 ? answer secret code of K7",
 *   answer: "482 913",
 * });
 * ```
 */
export function askNeedle({ name, values }: Pick<Needle, "name" | "values">): NeedleQuestion {
  return {
    prompt: `question : what is secret code of ${name} ? answer secret code of ${name}`,
    answer: values.join(" "),
  };
}
