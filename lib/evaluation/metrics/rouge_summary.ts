import { commonPlaces } from "./edit_distance.ts";
import { words } from "./python_text.ts";

/** Sentences as the package cuts them: at every full stop, white space collapsed; a piece of blanks is one empty word. */
function sentencesOf(text: string): string[][] {
  return text.split(".").filter((piece) => piece !== "").map((piece) => words(piece).join(" ").split(" "));
}

/** The words of one longest common subsequence, as the package finds it. */
function commonWords(reference: readonly string[], prediction: readonly string[]): string[] {
  return commonPlaces(reference, prediction, "second").map((place) => reference[place]);
}

/**
 * ROUGE-L as LongBench scores summaries: the F of the Python package `rouge` 1.0.1 on summaries of several sentences. Its
 * counts are of *distinct* words; the common words of all pairs of sentences go into one set. Where the original runs out
 * of its stack (some 1,000 words in one pair of sentences) and scores 0, this goes on.
 *
 * @example
 * ```ts
 * import { rougeSummaryL } from "@reattention/toolkit/evaluation";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(rougeSummaryL("the ledger was sold", "the ledger is here"), 0.5, 1e-6);
 * ```
 */
export function rougeSummaryL(prediction: string, reference: string): number {
  const predicted = sentencesOf(prediction);
  const expected = sentencesOf(reference);
  if (predicted.length === 0 || expected.length === 0) return 0;
  const common = new Set(expected.flatMap((one) => predicted.flatMap((other) => commonWords(one, other))));
  const recall = common.size / new Set(expected.flat()).size;
  const precision = common.size / new Set(predicted.flat()).size;
  return 2 * (precision * recall / (precision + recall + 1e-8));
}
