import { levalMean, type LEvalMetric, type LEvalScore } from "../metrics/leval.ts";
import { longBenchByLength, longBenchMean } from "../metrics/longbench.ts";
import { openCompassLetterScore, type OptionFinder } from "../metrics/opencompass_options.ts";
import { rulerMean } from "../metrics/ruler.ts";
import { type AnswerScore, type AnswerToScore, levalMetricOf, scoreAnswer } from "../metrics/score_answer.ts";
import type { ScoredBenchmark } from "../metrics/score_answer.ts";
import { readJsonLines } from "../data/json_lines.ts";
import { meanOf } from "../statistics.ts";
import { answerInRow, type PredictionKind, predictionKind } from "./official_layouts.ts";

/** A line that could not be scored. */
export interface LineFault {
  /** Number of the line, from 1. */
  readonly line: number;
  /** What is wrong with it. */
  readonly message: string;
}

/** A task's score, as its benchmark states it. */
export interface TaskScore extends PredictionKind {
  /** On the official scale: InfiniteBench from 0 to 1, the others from 0 to 100. */
  readonly score: number;
  /** Answers that were scored. */
  readonly answers: number;
  /** Answers that are empty but for white space. */
  readonly empty: number;
  /** LongBench-E: by length. L-Eval: what the score is the mean of, by name. */
  readonly parts?: Readonly<Record<string, number>>;
  /** Each answer's score, in the file's order. */
  readonly scores: readonly number[];
}

/** What a prediction file came to. */
export interface ScoredFile {
  /** Its task's score; undefined where no line could be scored. */
  readonly task?: TaskScore;
  /** Lines that could not be scored. */
  readonly faults: readonly LineFault[];
  /** Rows that only people or models score. */
  readonly skipped: number;
}

/** How predictions are scored. */
export interface ScoreOptions {
  /** "official" or as OpenCompass does it. Default "official". */
  readonly rules?: "official" | "opencompass";
  /** Splits LongBench's score by length, as LongBench-E does. Default: where the path has a folder `pred_e`. */
  readonly byLength?: boolean;
  /** OpenCompass's way to find a chosen letter, for InfiniteBench by its rules. Default: as InfiniteBench's own script. */
  readonly findOption?: OptionFinder;
}

/** Answers of one task scored one by one. */
interface Tally {
  readonly kind: PredictionKind;
  readonly answers: AnswerToScore[];
  readonly scored: AnswerScore[];
  readonly lengths: number[];
}

function withRules(answer: AnswerToScore, rules: ScoreOptions["rules"]): AnswerToScore {
  const known: readonly string[] = ["longbench", "leval", "infinitebench"];
  if (rules !== "opencompass" || !known.includes(answer.benchmark)) return answer;
  const { metric: _, ...rest } = answer;
  return { ...rest, benchmark: `opencompass-${answer.benchmark}` as ScoredBenchmark };
}

async function scored(answer: AnswerToScore, { rules, findOption }: ScoreOptions): Promise<AnswerScore> {
  const { benchmark, task, prediction, references } = answer;
  if (rules === "opencompass" && benchmark === "infinitebench" && findOption) {
    const score = openCompassLetterScore(task, prediction, references, findOption);
    if (score !== undefined) return { score, details: {} };
  }
  return await scoreAnswer(withRules(answer, rules));
}

/**
 * Scores a prediction file in an official layout, such as those that `deno task evaluate` writes or the official scripts do.
 *
 * @param source path or URL; its name says the task
 * @throws {RangeError} for a file whose first readable row is of no known layout.
 * @throws {PlatformError} if it can't be read.
 *
 * @example
 * ```ts
 * import { scorePredictions } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const rows = [{ pred: "The mill", answers: ["a mill"] }, { pred: "A boat", answers: ["a mill"] }];
 * await Deno.writeTextFile(`${folder}/hotpotqa.jsonl`, rows.map((row) => JSON.stringify(row)).join("\n"));
 * const { task, faults } = await scorePredictions(`${folder}/hotpotqa.jsonl`);
 * await Deno.remove(folder, { recursive: true });
 * assertEquals([task?.task, task?.score, faults.length], ["hotpotqa", 50, 0]);
 * ```
 */
export async function scorePredictions(source: string | URL, options: ScoreOptions = {}): Promise<ScoredFile> {
  const path = String(source).replaceAll("\\", "/");
  const name = path.slice(path.lastIndexOf("/") + 1);
  const faults: LineFault[] = [];
  let skipped = 0;
  let tally: Tally | undefined;
  for (const read of await readJsonLines(source)) {
    const { line } = read;
    if ("fault" in read) {
      faults.push({ line, message: read.fault });
      continue;
    }
    const kind: PredictionKind | undefined = tally?.kind ?? predictionKind(name, read.value);
    if (!kind) {
      throw new RangeError(
        `${path}: line ${line} is of no known layout: LongBench has "pred" and "answers", L-Eval "gt" and "..._pred", ` +
          'InfiniteBench "prediction" and "ground_truth" in preds_TASK.jsonl, RULER "pred" and "outputs", needles "gold"',
      );
    }
    tally ??= { kind, answers: [], scored: [], lengths: [] };
    try {
      const answer = answerInRow(kind, read.value);
      if (!answer) {
        skipped++;
        continue;
      }
      tally.scored.push(await scored(answer, options));
      tally.answers.push(answer);
      tally.lengths.push(Number((read.value as { length?: unknown }).length ?? 0));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      faults.push({ line, message: error.message });
    }
  }
  if (!tally || tally.answers.length === 0) return { faults, skipped };
  const byLength = options.byLength ?? /(^|\/)pred_e\//.test(path);
  return { task: taskScore(tally, byLength, options.rules), faults, skipped };
}

function taskScore(tally: Tally, byLength: boolean, rules: ScoreOptions["rules"]): TaskScore {
  const scores = tally.scored.map(({ score }) => score);
  const empty = tally.answers.filter(({ prediction }) => prediction.trim() === "").length;
  const shared = { ...tally.kind, answers: scores.length, empty, scores };
  switch (tally.kind.benchmark) {
    case "longbench": {
      const parts = longBenchByLength(scores.map((score, index) => ({ score, length: tally.lengths[index] })));
      return { ...shared, score: longBenchMean(scores), ...(byLength && { parts }) };
    }
    case "leval": {
      const metric: LEvalMetric = levalMetricOf(tally.kind.task, tally.answers[0].metric);
      if (rules === "opencompass") {
        return { ...shared, score: metric === "exam" ? 100 * meanOf(scores) : meanOf(scores) };
      }
      const { score, parts } = levalMean(metric, tally.kind.task, tally.scored as LEvalScore[]);
      return { ...shared, score, ...(parts && { parts: named(metric, tally.kind.task, parts) }) };
    }
    case "ruler":
      return { ...shared, score: rulerMean(scores) };
    default:
      return { ...shared, score: meanOf(scores) };
  }
}

function named(metric: LEvalMetric, task: string, parts: readonly number[]): Record<string, number> {
  const names = metric === "rouge"
    ? ["rouge1", "rouge2", "rougeL"]
    : task === "sci_fi"
    ? ["loyalty", "fact"]
    : ["first", "second", "third"];
  return Object.fromEntries(parts.map((part, index) => [names[index], part]));
}
