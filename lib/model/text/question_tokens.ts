import { checkTokens } from "./check_tokens.ts";
import type { SessionModel } from "../session/session_options.ts";

/** A question as text, or as token ids. */
export type TextOrTokens = string | readonly number[];

/**
 * The token ids of a question or an answer, without special tokens.
 *
 * @throws {RangeError} for ids that are not of the vocabulary, or none at all.
 */
export function tokensOf(model: SessionModel, what: string, given: TextOrTokens): readonly number[] {
  const tokens = typeof given === "string" ? model.tokenizer.encode(given, { addSpecialTokens: false }) : given;
  if (tokens.length === 0) throw new RangeError(`${what} is empty; give at least one token`);
  checkTokens(tokens, model.config.vocabularySize);
  return tokens;
}

/**
 * Checks numbers of layers, heads or rows.
 *
 * @returns all numbers where none are given
 * @throws {RangeError} naming the first that there isn't.
 */
export function numbersOf(what: string, given: number | readonly number[] | undefined, count: number): number[] {
  const numbers = given === undefined ? Array.from({ length: count }, (_, index) => index) : [given].flat();
  const wrong = numbers.find((value) => !Number.isInteger(value) || value < 0 || value >= count);
  if (wrong !== undefined) throw new RangeError(`${what} ${wrong} must be a whole number from 0 to ${count - 1}`);
  if (numbers.length === 0) throw new RangeError(`${what}: an empty list; leave it out for all of them`);
  return [...new Set(numbers)].sort((a, b) => a - b);
}
