import type { TextTokenizer } from "../needle/prose.ts";
import type { HiddenPlace } from "../question.ts";

/** How far a token may reach over the start or end of what is looked for. */
const REACH = 3;

/**
 * Where a piece of a text stands in the text's tokens: the shortest stretch of tokens whose text holds it.
 *
 * @param tokens of the whole text, special ones that begin it included
 * @param place first character of the piece
 */
export function locateTokens(
  tokenizer: TextTokenizer,
  tokens: readonly number[],
  text: string,
  place: number,
  piece: string,
): HiddenPlace {
  const before = tokenizer.encode(text.slice(0, place)).length;
  const length = tokenizer.encode(piece, { addSpecialTokens: false }).length;
  const holds = (start: number, end: number) => tokenizer.decode(tokens.slice(start, end)).includes(piece);
  let [start, end] = [Math.max(0, before - REACH), Math.min(tokens.length, before + length + REACH)];
  if (!holds(start, end)) return { start: before, end: Math.min(tokens.length, before + length) };
  while (start + 1 < end && holds(start + 1, end)) start++;
  while (end - 1 > start && holds(start, end - 1)) end--;
  return { start, end };
}
