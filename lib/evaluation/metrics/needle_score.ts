import { levenshtein } from "./edit_distance.ts";
import { replaceSpaces } from "./python_text.ts";

/**
 * NeedleBench's score of an answer, from 0 to 100: 100 where it holds the keyword as it is written, else a fifth of how alike
 * answer and needle are by Levenshtein's distance, white space aside.
 *
 * @example
 * ```ts
 * import { needleScore } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(needleScore("In the mill.", { needle: "It lies in the mill.", keyword: "mill" }), 100);
 * assertEquals(needleScore("It lies in the mi", { needle: "It lies in the mill.", keyword: "mill" }), 16.25);
 * ```
 */
export function needleScore(prediction: string, { needle, keyword }: { needle: string; keyword: string }): number {
  if (prediction.includes(keyword)) return 100;
  const [a, b] = [replaceSpaces(prediction, ""), replaceSpaces(needle, "")];
  const longest = Math.max([...a].length, [...b].length);
  const alike = longest === 0 ? 100 : 100 * (1 - levenshtein(a, b) / longest);
  return 0.2 * alike;
}

/**
 * Share of the keywords of several needles that an answer holds as they are written, from 0 to 100; this toolkit's own score.
 *
 * @example
 * ```ts
 * import { keywordShare } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(keywordShare("red and blue", ["red", "green"]), 50);
 * ```
 */
export function keywordShare(prediction: string, keywords: readonly string[]): number {
  return 100 * keywords.filter((keyword) => prediction.includes(keyword)).length / keywords.length;
}
