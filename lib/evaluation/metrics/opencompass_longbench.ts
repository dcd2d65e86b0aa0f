import {
  firstCodeLine,
  longBenchMetric,
  longBenchPrediction,
  longBenchTask,
  type ScoringContext,
} from "./longbench.ts";
import { rougeSummaryL } from "./rouge_summary.ts";

/**
 * LongBench's score of one answer as OpenCompass gives it, from 0 to 1. It differs from the official one where there are
 * several references: counts add up, code is judged by the line chosen for the reference before, and Chinese text that was
 * cut for the first reference is cut again for the second.
 *
 * @example
 * ```ts
 * import { longBenchScore, openCompassLongBenchScore } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const answer = ["passage_count", "3", ["3", "3"]] as const;
 * assertEquals(longBenchScore(...answer), 1);
 * // Counts add up over the references.
 * assertEquals(openCompassLongBenchScore(...answer), 2);
 * ```
 */
export function openCompassLongBenchScore(
  task: string,
  prediction: string,
  references: readonly string[],
  context: ScoringContext = {},
): number {
  const { metric } = longBenchTask(task);
  const scored = longBenchPrediction(task, prediction);
  const single = (text: string, reference: string) => longBenchMetric(metric, text, reference, context);
  if (metric === "count") return references.reduce((sum, reference) => sum + single(scored, reference), 0);
  let text = scored;
  let best = 0;
  for (const reference of references) {
    if (metric === "rouge_l_zh") {
      if (!context.segment) throw new RangeError(`${metric} needs a segmenter: await loadSegmenter()`);
      text = context.segment(text).join(" ");
      best = Math.max(best, rougeSummaryL(text, context.segment(reference).join(" ")));
    } else {
      if (metric === "code_sim") text = firstCodeLine(text);
      best = Math.max(best, single(text, reference));
    }
  }
  return best;
}
