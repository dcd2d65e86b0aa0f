import { roundAsPython, strip } from "./python_text.ts";

/** What RULER scores of a prediction: control characters become line ends, white space at the ends goes. */
function rulerPrediction(prediction: string): string {
  // deno-lint-ignore no-control-regex
  return strip(strip(prediction).replace(/[\x00-\x1f]/g, "\n"));
}

function found(prediction: string, outputs: readonly string[]): number {
  const text = rulerPrediction(prediction).toLowerCase();
  return outputs.filter((output) => text.includes(output.toLowerCase())).length;
}

/**
 * RULER's score of an answer that has to name everything: the share that it names, in percent. Case doesn't matter.
 *
 * @example
 * ```ts
 * import { stringMatchAll, stringMatchPart } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(stringMatchAll("Pilot and ferry", ["pilot", "wagon"]), 50);
 * assertEquals(stringMatchPart("Pilot and ferry", ["pilot", "wagon"]), 100);
 * ```
 */
export function stringMatchAll(prediction: string, outputs: readonly string[]): number {
  return 100 * found(prediction, outputs) / outputs.length;
}

/**
 * RULER's score of an answer that has to name one of several: 100 or 0.
 *
 * @example
 * ```ts
 * import { stringMatchPart } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(stringMatchPart("It was 482.", ["482", "155"]), 100);
 * ```
 */
export function stringMatchPart(prediction: string, outputs: readonly string[]): number {
  return found(prediction, outputs) > 0 ? 100 : 0;
}

/**
 * RULER's score of an answer to one of its tasks, in percent: QA takes any answer, the other tasks want all.
 *
 * @example
 * ```ts
 * import { rulerScore } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(rulerScore("vt", "ABC and DEF", ["ABC", "DEF", "GHI", "JKL"]), 50);
 * assertEquals(rulerScore("qa_1", "In Paris", ["Paris", "France"]), 100);
 * ```
 */
export function rulerScore(task: string, prediction: string, outputs: readonly string[]): number {
  return task.startsWith("qa") ? stringMatchPart(prediction, outputs) : stringMatchAll(prediction, outputs);
}

/**
 * RULER's score of a task: the mean with two decimals.
 *
 * @example
 * ```ts
 * import { rulerMean } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(rulerMean([100, 100, 0]), 66.67);
 * ```
 */
export function rulerMean(scores: readonly number[]): number {
  return roundAsPython(scores.reduce((sum, score) => sum + score, 0) / scores.length, 2);
}
