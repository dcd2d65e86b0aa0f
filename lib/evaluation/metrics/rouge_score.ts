import { commonLength, commonPlaces } from "./edit_distance.ts";

/** Words as Google's scorer cuts them, without stemming: runs of a to z and digits in lower case. */
function tokensOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

function fMeasure(hits: number, predicted: number, expected: number): number {
  if (hits === 0) return 0;
  const [precision, recall] = [hits / predicted, hits / expected];
  return 2 * precision * recall / (precision + recall);
}

function countsOf(items: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

/**
 * ROUGE-N of Google's `rouge_score` without stemmer: F of the words' n-grams as multisets, from 0 to 1.
 *
 * @param n 1 for words, 2 for pairs
 *
 * @example
 * ```ts
 * import { rougeN } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(rougeN("a red boat", "a red boat", 2), 1);
 * ```
 */
export function rougeN(prediction: string, reference: string, n: number): number {
  const grams = (tokens: string[]) =>
    Array.from({ length: Math.max(0, tokens.length - n + 1) }, (_, i) => tokens.slice(i, i + n).join(" "));
  const [predicted, expected] = [grams(tokensOf(prediction)), grams(tokensOf(reference))];
  const other = countsOf(expected);
  const hits = [...countsOf(predicted)].reduce((sum, [gram, count]) => sum + Math.min(count, other.get(gram) ?? 0), 0);
  return fMeasure(hits, predicted.length, expected.length);
}

/**
 * ROUGE-L of Google's `rouge_score` without stemmer: F of the longest common subsequence of words, from 0 to 1.
 *
 * @example
 * ```ts
 * import { rougeL } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * // Of four words three come in the same order.
 * assertEquals(rougeL("a red old boat", "a red boat sank"), 0.75);
 * ```
 */
export function rougeL(prediction: string, reference: string): number {
  const [predicted, expected] = [tokensOf(prediction), tokensOf(reference)];
  return fMeasure(commonLength(expected, predicted), predicted.length, expected.length);
}

/**
 * ROUGE-Lsum of Google's `rouge_score` without stemmer, with a sentence a line: for each sentence of the reference the union
 * of what it has in common with each of the prediction's, words counted at most as often as both texts have them.
 *
 * @example
 * ```ts
 * import { rougeLsum } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(rougeLsum("Sold a ledger.\nHid it.", "hid it\nsold a ledger"), 1);
 * ```
 */
export function rougeLsum(prediction: string, reference: string): number {
  const lines = (text: string) => text.split("\n").filter((line) => line !== "").map(tokensOf);
  const [predicted, expected] = [lines(prediction), lines(reference)];
  const [leftPredicted, leftExpected] = [countsOf(predicted.flat()), countsOf(expected.flat())];
  let hits = 0;
  for (const sentence of expected) {
    const places = new Set(predicted.flatMap((other) => commonPlaces(sentence, other, "first")));
    for (const place of places) {
      const token = sentence[place];
      const [a, b] = [leftPredicted.get(token) ?? 0, leftExpected.get(token) ?? 0];
      if (a === 0 || b === 0) continue;
      leftPredicted.set(token, a - 1);
      leftExpected.set(token, b - 1);
      hits++;
    }
  }
  return fMeasure(hits, predicted.flat().length, expected.flat().length);
}
