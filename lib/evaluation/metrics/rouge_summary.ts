import { words } from "./python_text.ts";

/** Sentences as the package cuts them: at every full stop, white space collapsed; a piece of blanks is one empty word. */
function sentencesOf(text: string): string[][] {
  return text.split(".").filter((piece) => piece !== "").map((piece) => words(piece).join(" ").split(" "));
}

/** The words of one longest common subsequence, by the package's way back through the table. */
function commonWords(reference: readonly string[], prediction: readonly string[]): string[] {
  const width = prediction.length + 1;
  const table = new Uint32Array((reference.length + 1) * width);
  for (let i = 1; i <= reference.length; i++) {
    for (let j = 1; j < width; j++) {
      table[i * width + j] = reference[i - 1] === prediction[j - 1]
        ? table[(i - 1) * width + j - 1] + 1
        : Math.max(table[(i - 1) * width + j], table[i * width + j - 1]);
    }
  }
  const common: string[] = [];
  let [i, j] = [reference.length, prediction.length];
  while (i > 0 && j > 0) {
    if (reference[i - 1] === prediction[j - 1]) {
      common.push(reference[i - 1]);
      i--;
      j--;
    } else if (table[(i - 1) * width + j] > table[i * width + j - 1]) {
      i--;
    } else {
      j--;
    }
  }
  return common;
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
