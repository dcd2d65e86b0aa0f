import { editSimilarity } from "./edit_distance.ts";
import { roundAsPython } from "./python_text.ts";
import { rougeSummaryL } from "./rouge_summary.ts";
import type { Segmenter } from "./segmentation.ts";
import { chineseF1, englishF1 } from "./token_f1.ts";

/** LongBench's metrics by our names. */
export type LongBenchMetric =
  | "qa_f1"
  | "qa_f1_zh"
  | "rouge_l"
  | "rouge_l_zh"
  | "classification"
  | "retrieval"
  | "retrieval_zh"
  | "count"
  | "code_sim";

/** The groups of LongBench's leaderboard. */
export type LongBenchGroup =
  | "single-doc QA"
  | "multi-doc QA"
  | "summarization"
  | "few-shot learning"
  | "synthetic"
  | "code";

/** What is fixed for a task of LongBench. */
export interface LongBenchTask {
  /** How its answers are scored. */
  readonly metric: LongBenchMetric;
  /** Its group in the averages. */
  readonly group: LongBenchGroup;
  /** Whether its prompts go through a chat model's template. */
  readonly chat: boolean;
  /** Whether its questions are Chinese. */
  readonly chinese: boolean;
}

const task = (
  metric: LongBenchMetric,
  group: LongBenchGroup,
  { chat = true, chinese = false } = {},
): LongBenchTask => ({ metric, group, chat, chinese });

/** The tasks of LongBench in the order of its tables. */
export const longBenchTasks: Readonly<Record<string, LongBenchTask>> = {
  narrativeqa: task("qa_f1", "single-doc QA"),
  qasper: task("qa_f1", "single-doc QA"),
  multifieldqa_en: task("qa_f1", "single-doc QA"),
  multifieldqa_zh: task("qa_f1_zh", "single-doc QA", { chinese: true }),
  hotpotqa: task("qa_f1", "multi-doc QA"),
  "2wikimqa": task("qa_f1", "multi-doc QA"),
  musique: task("qa_f1", "multi-doc QA"),
  dureader: task("rouge_l_zh", "multi-doc QA", { chinese: true }),
  gov_report: task("rouge_l", "summarization"),
  qmsum: task("rouge_l", "summarization"),
  multi_news: task("rouge_l", "summarization"),
  vcsum: task("rouge_l_zh", "summarization", { chinese: true }),
  trec: task("classification", "few-shot learning", { chat: false }),
  triviaqa: task("qa_f1", "few-shot learning", { chat: false }),
  samsum: task("rouge_l", "few-shot learning", { chat: false }),
  lsht: task("classification", "few-shot learning", { chat: false, chinese: true }),
  passage_count: task("count", "synthetic"),
  passage_retrieval_en: task("retrieval", "synthetic"),
  passage_retrieval_zh: task("retrieval_zh", "synthetic", { chinese: true }),
  lcc: task("code_sim", "code", { chat: false }),
  "repobench-p": task("code_sim", "code", { chat: false }),
};

const ONE_LINE = new Set(["trec", "triviaqa", "samsum", "lsht"]);
const DIGITS = /\p{Nd}+/gu;

/** Share of the numbers in a prediction that are the right one. */
function numberShare(prediction: string, right: string): number {
  const numbers = prediction.match(DIGITS) ?? [];
  return numbers.length === 0 ? 0 : numbers.filter((number) => number === right).length / numbers.length;
}

function retrievalScore(prediction: string, reference: string, before: string): number {
  const right = new RegExp(`${before}(\\p{Nd}+)`, "u").exec(reference);
  if (!right) throw new RangeError(`reference ${JSON.stringify(reference)} must name a number after "${before}"`);
  return numberShare(prediction, right[1]);
}

/** The first line that is no comment: what code completion is judged by. */
export function firstCodeLine(prediction: string): string {
  return prediction.replace(/^\n+/, "").split("\n").find((line) => !/[`#]|\/\//.test(line)) ?? "";
}

function classificationScore(prediction: string, reference: string, classes: readonly string[]): number {
  const found = classes.filter((name) => prediction.includes(name));
  // The original walks the list while it takes entries out, so that the entry after each is skipped.
  for (let index = 0; index < found.length; index++) {
    if (found[index] !== reference && reference.includes(found[index])) {
      found.splice(found.indexOf(found[index]), 1);
    }
  }
  return found.includes(reference) ? 1 / found.length : 0;
}

/** What a score needs besides the texts. */
export interface ScoringContext {
  /** Names of all classes, for classification. */
  readonly allClasses?: readonly string[];
  /** The Chinese segmenter, for Chinese metrics. */
  readonly segment?: Segmenter;
}

/**
 * LongBench's score of one answer against one reference, from 0 to 1.
 *
 * @throws {RangeError} where classes, the segmenter or the reference's number are missing.
 */
export function longBenchMetric(
  metric: LongBenchMetric,
  prediction: string,
  reference: string,
  { allClasses, segment }: ScoringContext = {},
): number {
  const cut = (text: string) => {
    if (!segment) throw new RangeError(`${metric} needs a segmenter: await loadSegmenter()`);
    return segment(text);
  };
  switch (metric) {
    case "qa_f1":
      return englishF1(prediction, reference);
    case "qa_f1_zh":
      return chineseF1(prediction, reference, cut);
    case "rouge_l":
      return rougeSummaryL(prediction, reference);
    case "rouge_l_zh":
      return rougeSummaryL(cut(prediction).join(" "), cut(reference).join(" "));
    case "classification":
      if (!allClasses) throw new RangeError("classification needs the list of all classes (all_classes)");
      return classificationScore(prediction, reference, allClasses);
    case "retrieval":
      return retrievalScore(prediction, reference, "Paragraph ");
    case "retrieval_zh":
      return retrievalScore(prediction, reference, "段落");
    case "count":
      return numberShare(prediction, reference);
    case "code_sim":
      return editSimilarity(firstCodeLine(prediction), reference);
  }
}

/** What of a prediction is scored: only the first line in few-shot tasks. */
export function longBenchPrediction(task: string, prediction: string): string {
  return ONE_LINE.has(task) ? prediction.replace(/^\n+/, "").split("\n")[0] : prediction;
}

/**
 * LongBench's score of one answer: the best over its references, from 0 to 1.
 *
 * @param task its official name, such as "hotpotqa"
 * @throws {RangeError} for a task that is none, or where classes or the segmenter are missing.
 *
 * @example
 * ```ts
 * import { longBenchScore } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(longBenchScore("triviaqa", "\nthe old mill\nQuestion: who", ["A mill", "old mill"]), 1);
 * ```
 */
export function longBenchScore(
  task: string,
  prediction: string,
  references: readonly string[],
  context: ScoringContext = {},
): number {
  const { metric } = longBenchTask(task);
  const scored = longBenchPrediction(task, prediction);
  return Math.max(0, ...references.map((reference) => longBenchMetric(metric, scored, reference, context)));
}

/**
 * What is fixed for a task; `_e` at the end names its part of LongBench-E.
 *
 * @example
 * ```ts
 * import { longBenchTask } from "@reattention/toolkit/evaluation";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(longBenchTask("hotpotqa").metric, "qa_f1");
 * assertEquals(longBenchTask("hotpotqa_e"), longBenchTask("hotpotqa"));
 * assertThrows(() => longBenchTask("hotpot"), RangeError, 'no task "hotpot"');
 * ```
 */
export function longBenchTask(name: string): LongBenchTask {
  const known = longBenchTasks[name.replace(/_e$/, "")];
  if (known) return known;
  throw new RangeError(`LongBench has no task "${name}"; it has ${Object.keys(longBenchTasks).join(", ")}`);
}

/** Bounds of LongBench-E's buckets, by the row's `length`. */
const BUCKETS: readonly (readonly [string, number])[] = [["0-4k", 4000], ["4-8k", 8000], ["8k+", Infinity]];

/**
 * LongBench's score of a task: mean in percent with two decimals.
 *
 * @example
 * ```ts
 * import { longBenchMean } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(longBenchMean([1, 0, 1]), 66.67);
 * ```
 */
export function longBenchMean(scores: readonly number[]): number {
  return roundAsPython(100 * scores.reduce((sum, score) => sum + score, 0) / scores.length, 2);
}

/**
 * LongBench-E's scores of a task by length; NaN where no row has that length.
 *
 * @example
 * ```ts
 * import { longBenchByLength } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const scores = [{ score: 1, length: 3999 }, { score: 0, length: 4000 }, { score: 1, length: 7000 }];
 * assertEquals(longBenchByLength(scores), { "0-4k": 100, "4-8k": 50, "8k+": NaN });
 * ```
 */
export function longBenchByLength(scores: readonly { score: number; length: number }[]): Record<string, number> {
  return Object.fromEntries(BUCKETS.map(([name, end], index) => {
    const start = index === 0 ? -Infinity : BUCKETS[index - 1][1];
    const inside = scores.filter(({ length }) => length >= start && length < end);
    return [name, inside.length === 0 ? NaN : longBenchMean(inside.map(({ score }) => score))];
  }));
}
