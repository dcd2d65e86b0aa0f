import type { Random } from "../random.ts";
import { drawFacts, type HiddenFact, mostNeedles, type NeedleVariant, type Sentence } from "./facts.ts";
import { novelsFor, type Prose, type TextTokenizer } from "./prose.ts";

/** A fact hidden in a haystack, such as `The secret code of Zena is 482 913.`, and where it is. */
export interface Needle extends HiddenFact {
  /** Where the sentence with the value starts in the haystack. */
  readonly tokenIndex: number;
  /** Tokens of that sentence. */
  readonly tokenCount: number;
  /** Where the tokens of its value stand. */
  readonly valueTokenIndices: readonly number[];
}

/** A context: prose with needles in it. */
export interface Haystack {
  /** Its tokens, a special one that begins a text included where the tokenizer has it. */
  readonly tokens: readonly number[];
  /** The needles to ask for. */
  readonly needles: readonly Needle[];
  /** What is hidden. */
  readonly variant: NeedleVariant;
}

/** What a haystack is made of. */
export interface HaystackOptions {
  /** Whose tokens are counted. */
  tokenizer: TextTokenizer;
  /** Tokens in all. */
  tokens: number;
  /** Needles to ask for. Default 4. */
  needles?: number;
  /** What is hidden. Default "plain". */
  variant?: NeedleVariant;
  /** Tokens at either end that hold no needle, so that neither leading tokens nor a window reach one. Default 0. */
  clear?: number;
  /** The text. Default: the novels that the toolkit carries. */
  prose?: Prose;
  /** Where in the text to start, from 0 up to, not including, 1. Default: anywhere. */
  start?: number;
  /** Where names, numbers and places come from; the same state gives the same haystack. */
  random: Random;
}

interface PlacedSentence extends Sentence {
  readonly tokens: readonly number[];
}

/**
 * Makes a haystack of real prose with needles in it. The text is cut into as many equal stretches as there are groups of
 * hidden sentences; each group stands behind a sentence of its stretch. Names and numbers are none that the embedded
 * model was trained with.
 *
 * @throws {RangeError} for more needles than there are names, or fewer tokens than the needles need.
 *
 * @example
 * ```ts
 * import { Device, loadModel } from "@reattention/toolkit";
 * import { makeHaystack, Random } from "@reattention/toolkit/evaluation";
 * import { assertEquals, assertMatch } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const { tokenizer } = model;
 * const { tokens, needles } = await makeHaystack({ tokenizer, tokens: 400, needles: 2, random: new Random(1) });
 * assertEquals(tokens.length, 400);
 * const { tokenIndex, tokenCount, name, value } = needles[0];
 * const sentence = tokenizer.decode(tokens.slice(tokenIndex, tokenIndex + tokenCount));
 * assertEquals(sentence, ` The secret code of ${name} is ${value}.`);
 * assertMatch(value, /^\d{3} \d{3}$/);
 * ```
 */
export async function makeHaystack(options: HaystackOptions): Promise<Haystack> {
  const { tokenizer, tokens: total, needles: count = 4, variant = "plain", clear = 0, random } = options;
  checkCounts(count, variant, clear);
  const prose = options.prose ?? await novelsFor(tokenizer);
  const { facts, groups } = drawFacts(variant, count, random);
  const placed = groups.map((group) =>
    group.map((sentence) => ({
      ...sentence,
      tokens: tokenizer.encode(` ${sentence.text}`, { addSpecialTokens: false }),
    }))
  );
  const opening = tokenizer.encode("");
  const hidden = placed.flat().reduce((sum, { tokens }) => sum + tokens.length, 0);
  const least = opening.length + Math.ceil(1.5 * hidden) + 2 * clear;
  if (!Number.isInteger(total) || total < least) {
    throw new RangeError(
      `makeHaystack: tokens ${total} must be a whole number of at least ${least} for what is hidden and half as much text`,
    );
  }
  if (prose.tokens.length === 0) throw new RangeError("makeHaystack: prose has no token; give a text with words in it");
  const share = options.start ?? random.next() / 2 ** 32;
  if (!(share >= 0 && share < 1)) {
    throw new RangeError(`makeHaystack: start ${share} must be at least 0 and less than 1`);
  }
  const start = Math.floor(share * prose.tokens.length);
  const hay = [...opening, ...prose.stretch(start, total - hidden - opening.length)];
  const ends = [Math.max(clear, opening.length), hay.length - clear];
  const width = (ends[1] - ends[0]) / placed.length;
  const at = (part: number) => Math.floor(ends[0] + part * width);
  const places = placed.map((_, part) => prose.placeBetween(hay, at(part), at(part + 1), random));
  return { variant, ...hide(hay, placed, places, facts, tokenizer) };
}

/** Puts the groups before the tokens at their places, and tells where the needles came to stand. */
function hide(
  hay: readonly number[],
  groups: readonly (readonly PlacedSentence[])[],
  places: readonly number[],
  facts: readonly HiddenFact[],
  tokenizer: TextTokenizer,
): { tokens: number[]; needles: Needle[] } {
  const tokens: number[] = [];
  const needles: Needle[] = [];
  let done = 0;
  for (const [part, group] of groups.entries()) {
    // Not by spread: an argument list of a hundred thousand numbers would overflow the stack.
    while (done < places[part]) tokens.push(hay[done++]);
    for (const sentence of group) {
      if (sentence.needle !== undefined) {
        const fact = facts[sentence.needle];
        needles[sentence.needle] = { ...fact, ...placeOf(sentence, fact.value, tokens.length, tokenizer) };
      }
      tokens.push(...sentence.tokens);
    }
  }
  return { tokens: tokens.concat(hay.slice(done)), needles };
}

/** Where a sentence and its value stand. The value ends the sentence but for the full stop. */
function placeOf(sentence: PlacedSentence, value: string, tokenIndex: number, tokenizer: TextTokenizer) {
  const tokenCount = sentence.tokens.length;
  const end = tokenIndex + tokenCount - tokenizer.encode(".", { addSpecialTokens: false }).length;
  const length = tokenizer.encode(` ${value}`, { addSpecialTokens: false }).length;
  return { tokenIndex, tokenCount, valueTokenIndices: Array.from({ length }, (_, i) => end - length + i) };
}

function checkCounts(needles: number, variant: NeedleVariant, clear: number): void {
  const most = mostNeedles(variant);
  if (!Number.isInteger(needles) || needles < 0 || needles > most) {
    throw new RangeError(
      `makeHaystack: needles ${needles} must be a whole number from 0 to ${most} for the variant "${variant}"`,
    );
  }
  if (!Number.isInteger(clear) || clear < 0) {
    throw new RangeError(`makeHaystack: clear ${clear} must be a whole number of at least 0`);
  }
}
