/** How BM25 weighs words. */
export interface Bm25Options {
  /** How fast a word's repetitions stop counting. Default 1.2. */
  k1?: number;
  /** How much long texts are held back. Default 0.75. */
  b?: number;
}

/**
 * How well texts fit a query by the words they share: Okapi BM25 (Robertson and Zaragoza 2009, "The Probabilistic Relevance
 * Framework", section 3), with the rarity of a word counted as ln(1 + (N - n + 0.5) / (n + 0.5)).
 *
 * @param query its words
 * @param texts words of each text
 * @returns a score for each text; 0 where no word is shared
 *
 * @example
 * ```ts
 * import { bm25Scores } from "@reattention/toolkit/evaluation";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const [first, second, third] = bm25Scores(["code", "zena"], [["code", "of", "zena"], ["code", "of", "ana"], ["rain"]]);
 * assert(first > second);
 * assertEquals(third, 0);
 * ```
 */
export function bm25Scores(
  query: readonly string[],
  texts: readonly (readonly string[])[],
  { k1 = 1.2, b = 0.75 }: Bm25Options = {},
): number[] {
  const mean = texts.reduce((sum, { length }) => sum + length, 0) / Math.max(1, texts.length);
  const counted = texts.map((words) => {
    const counts = new Map<string, number>();
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
    return counts;
  });
  const rarity = new Map([...new Set(query)].map((word) => {
    const holding = counted.filter((counts) => counts.has(word)).length;
    return [word, Math.log(1 + (texts.length - holding + 0.5) / (holding + 0.5))];
  }));
  return texts.map(({ length }, text) => {
    let score = 0;
    for (const [word, weight] of rarity) {
      const count = counted[text].get(word) ?? 0;
      score += weight * count * (k1 + 1) / (count + k1 * (1 - b + b * length / mean));
    }
    return score;
  });
}

/** The words of a text, in small letters. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}
