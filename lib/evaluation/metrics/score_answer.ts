import { difflibSimilarity } from "./sequence_matcher.ts";
import type { Reference } from "./float_number.ts";
import { infiniteBenchScore, openCompassMathCalc } from "./infinitebench.ts";
import { levalClosedTasks, type LEvalMetric, levalScore } from "./leval.ts";
import { firstCodeLine, longBenchPrediction, longBenchScore, longBenchTask } from "./longbench.ts";
import { openCompassLongBenchScore } from "./opencompass_longbench.ts";
import { keywordShare, needleScore } from "./needle_score.ts";
import { openCompassLEval, type OpenCompassLEvalMetric, openCompassLEvalMetric } from "./opencompass_leval.ts";
import { rulerScore, stringMatchAll, stringMatchPart } from "./ruler.ts";
import { loadSegmenter, type Segmenter } from "./segmentation.ts";

/** Benchmarks with official scorers; those that start with "opencompass-" are scored as OpenCompass does it. */
export const scoredBenchmarks = [
  "longbench",
  "leval",
  "infinitebench",
  "ruler",
  "needlebench",
  "opencompass-longbench",
  "opencompass-leval",
  "opencompass-infinitebench",
] as const;

/** A benchmark with an official scorer. */
export type ScoredBenchmark = typeof scoredBenchmarks[number];

/** An answer to be scored. */
export interface AnswerToScore {
  /** Which benchmark's rules hold. */
  readonly benchmark: ScoredBenchmark;
  /** Its official name, such as "hotpotqa". */
  readonly task: string;
  /** Where a task is scored in several ways: L-Eval's "exam", "f1" or "rouge", OpenCompass's names, RULER's. */
  readonly metric?: string;
  /** What the model answered. */
  readonly prediction: string;
  /** What is right. */
  readonly references: readonly Reference[];
  /** LongBench's classes. */
  readonly allClasses?: readonly string[];
  /** NeedleBench's keyword. */
  readonly keyword?: string;
}

/** A score with what it was made of, under the names of the golden files. */
export interface AnswerScore {
  /** From 0 to 1; RULER, NeedleBench and L-Eval's rouge: from 0 to 100. */
  readonly score: number;
  /** What was compared, and further figures. */
  readonly details: Readonly<Record<string, unknown>>;
}

const f1Tasks = /(^|_)(qa|question)$/;

/** How L-Eval scores a task where the row does not say. */
export function levalMetricOf(task: string, metric?: string): LEvalMetric {
  if (metric === "f1" || metric === "rouge" || metric === "exam") return metric;
  if (metric?.startsWith("exam") || task in levalClosedTasks) return "exam";
  return f1Tasks.test(task) ? "f1" : "rouge";
}

function longBench(answer: AnswerToScore, segment: Segmenter | undefined): AnswerScore {
  const { task, prediction, allClasses } = answer;
  const references = answer.references.map(String);
  const scorer = answer.benchmark === "longbench" ? longBenchScore : openCompassLongBenchScore;
  const score = scorer(task, prediction, references, { allClasses, segment });
  const { metric, chinese } = longBenchTask(task);
  if (metric === "code_sim") {
    const line = firstCodeLine(longBenchPrediction(task, prediction));
    return { score, details: { score_difflib: Math.max(0, ...references.map((one) => difflibSimilarity(line, one))) } };
  }
  if (!segment || !chinese) return { score, details: {} };
  const details = { prediction_segments: segment(prediction), references_segments: references.map(segment) };
  return { score, details };
}

function needsSegmenter({ benchmark, task }: AnswerToScore): boolean {
  return benchmark.endsWith("longbench") && /_zh$/.test(longBenchTask(task).metric) && task !== "passage_retrieval_zh";
}

/**
 * Scores one answer by its benchmark's official rules.
 *
 * @throws {RangeError} for a task or metric that is none, or where something that the score needs is missing.
 *
 * @example
 * ```ts
 * import { scoreAnswer } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const answer = { prediction: "The old mill.", references: ["old mill"] };
 * assertEquals((await scoreAnswer({ benchmark: "longbench", task: "hotpotqa", ...answer })).score, 1);
 * assertEquals((await scoreAnswer({ benchmark: "ruler", task: "niah_single_1", ...answer })).score, 100);
 * ```
 */
export async function scoreAnswer(answer: AnswerToScore): Promise<AnswerScore> {
  return scoreWith(answer, needsSegmenter(answer) ? await loadSegmenter() : undefined);
}

function scoreWith(answer: AnswerToScore, segment: Segmenter | undefined): AnswerScore {
  const { benchmark, task, metric, prediction, references, keyword } = answer;
  const texts = references.map(String);
  switch (benchmark) {
    case "longbench":
    case "opencompass-longbench":
      return longBench(answer, segment);
    case "leval":
      return levalScore(levalMetricOf(task, metric), task, prediction, texts);
    case "opencompass-leval":
      return openCompassAnswer(task, metric, prediction, texts);
    case "infinitebench":
      return { score: infiniteBenchScore(task, prediction, references), details: {} };
    case "opencompass-infinitebench": {
      const score = task === "math_calc" ? openCompassMathCalc : infiniteBenchScore.bind(undefined, task);
      return { score: score(prediction, references), details: {} };
    }
    case "ruler": {
      const match = metric === "string_match_part"
        ? stringMatchPart
        : metric === "string_match_all"
        ? stringMatchAll
        : rulerScore.bind(undefined, task);
      return { score: match(prediction, texts), details: {} };
    }
    case "needlebench":
      if (metric === "keywords") return { score: keywordShare(prediction, texts), details: {} };
      if (keyword === undefined) throw new RangeError(`${task}: NeedleBench's score needs the needle's keyword`);
      return { score: needleScore(prediction, { needle: texts[0], keyword }), details: {} };
  }
}

function openCompassAnswer(task: string, metric: string | undefined, prediction: string, references: string[]) {
  const known = (metric ?? openCompassLEvalMetric(task)) as OpenCompassLEvalMetric | undefined;
  if (known) return openCompassLEval(known, prediction, references);
  // Open tasks: ROUGE-1 is what OpenCompass's table shows.
  const { details } = levalScore("rouge", task, prediction, references);
  return { score: details.rouge1 as number, details };
}
