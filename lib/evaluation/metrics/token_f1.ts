import { normalizeChinese, normalizeEnglish } from "./normalize.ts";
import { words } from "./python_text.ts";
import type { Segmenter } from "./segmentation.ts";

/**
 * F1 of two lists of tokens as multisets: 0 where they share none, two empty lists included.
 *
 * @example
 * ```ts
 * import { tokenF1 } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(tokenF1(["a", "b", "b"], ["b", "b", "c"]), 2 / 3);
 * ```
 */
export function tokenF1(prediction: readonly string[], reference: readonly string[]): number {
  const left = new Map<string, number>();
  for (const token of reference) left.set(token, (left.get(token) ?? 0) + 1);
  let shared = 0;
  for (const token of prediction) {
    const count = left.get(token) ?? 0;
    if (count === 0) continue;
    left.set(token, count - 1);
    shared++;
  }
  if (shared === 0) return 0;
  const precision = shared / prediction.length;
  const recall = shared / reference.length;
  return (2 * precision * recall) / (precision + recall);
}

/**
 * F1 of the normalized words: LongBench, L-Eval and InfiniteBench's English QA.
 *
 * @example
 * ```ts
 * import { englishF1 } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * // Case, punctuation and articles do not count.
 * assertEquals(englishF1("The red boat.", "red boat"), 1);
 * ```
 */
export function englishF1(prediction: string, reference: string): number {
  return tokenF1(words(normalizeEnglish(prediction)), words(normalizeEnglish(reference)));
}

/**
 * F1 of the segmented and normalized words: LongBench's Chinese QA.
 *
 * @example
 * ```ts
 * import { chineseF1, loadSegmenter } from "@reattention/toolkit/evaluation";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const segment = await loadSegmenter();
 * // Punctuation does not count.
 * assertEquals(chineseF1("船长。", "船长", segment), 1);
 * assertAlmostEquals(chineseF1("船长和学徒", "船长", segment), 0.5);
 * ```
 */
export function chineseF1(prediction: string, reference: string, segment: Segmenter): number {
  const tokens = (text: string) => segment(text).map(normalizeChinese).filter((token) => token !== "");
  return tokenF1(tokens(prediction), tokens(reference));
}

/**
 * F1 of the normalized characters: InfiniteBench's Chinese QA.
 *
 * @example
 * ```ts
 * import { characterF1 } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(characterF1("红船", "红船"), 1);
 * ```
 */
export function characterF1(prediction: string, reference: string): number {
  return tokenF1([...normalizeChinese(prediction)], [...normalizeChinese(reference)]);
}
