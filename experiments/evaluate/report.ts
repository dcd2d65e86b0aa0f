import {
  averagesOf,
  longBenchTask,
  longBenchTasks,
  meanOf,
  type OptionFinder,
  type PredictedBenchmark,
  rulerAverages,
  scorePredictions,
  type TaskScore,
  textTable,
} from "../../lib/evaluation/mod.ts";
import { shownScore } from "../score/predictions.ts";
import type { EvaluateArguments } from "./arguments.ts";
import type { Published } from "./compare.ts";
import type { AnswerSet, EvaluateRun } from "./run.ts";

/** An answer file with its score. */
export interface ScoredSet extends AnswerSet {
  readonly score: TaskScore;
  /** The table's column it stands in. Default: the method's. */
  readonly column?: string;
}

const columnOf = ({ column, method }: ScoredSet) => column ?? method;

/** Scores the answer files of a run, those of earlier runs in them included. */
export async function scoreRun(
  { answers }: EvaluateRun,
  { rules }: Pick<EvaluateArguments, "rules">,
  findOption?: OptionFinder,
): Promise<ScoredSet[]> {
  const scored: ScoredSet[] = [];
  for (const set of answers) {
    const { task: score } = await scorePredictions(set.path, { rules, findOption, byLength: set.task.endsWith("_e") });
    if (score) scored.push({ ...set, score });
  }
  return scored;
}

/** A column of a table: a method of ours, or something published. */
interface Column {
  readonly name: string;
  /** In percent, by row. */
  readonly scores: ReadonlyMap<string, number>;
}

/** What a row of the table is: the task, and where there are several, its length. */
function rowOf({ task, length }: AnswerSet): string {
  return length === undefined ? task : `${task} at ${length.toLocaleString("en-US")}`;
}

function inPercent({ benchmark, score }: TaskScore): number {
  return benchmark === "infinitebench" ? 100 * score : score;
}

function columnsOf(scored: readonly ScoredSet[], published: Published | undefined): Column[] {
  const ours = [...new Set(scored.map(columnOf))].map((name) => {
    const own = scored.filter((set) => columnOf(set) === name);
    return { name, scores: new Map(own.map((set) => [rowOf(set), inPercent(set.score)])) };
  });
  const theirs = (published?.rows ?? []).map(({ name, scores }) => {
    return { name: `${name} (published)`, scores: new Map(Object.entries(scores)) };
  });
  return [...ours, ...theirs];
}

/** Scores by task, methods side by side, published ones after them. */
export function scoreTable(scored: readonly ScoredSet[], published?: Published): string {
  const columns = columnsOf(scored, published);
  const rows = [...new Set(scored.map(rowOf))];
  const answers = (row: string) => {
    const counts = scored.filter((set) => rowOf(set) === row).map(({ score }) => score.answers);
    return new Set(counts).size === 1 ? String(counts[0]) : counts.join("/");
  };
  const cells = rows.map((row) => {
    const task = row.split(" at ")[0];
    return [
      row,
      answers(row),
      ...columns.map(({ scores }) => (scores.get(row) ?? scores.get(task))?.toFixed(2) ?? ""),
    ];
  });
  return textTable(["task", "answers", ...columns.map(({ name }) => name)], cells);
}

/** Averages as published, each with what it is a mean of. */
export function averageTable(scored: readonly ScoredSet[], published?: Published): string {
  const benchmark = scored[0].score.benchmark;
  const columns = columnsOf(scored, published);
  const labels = new Map<string, (string | undefined)[]>();
  const put = (label: string, column: number, value: number) => {
    const cells = labels.get(label) ?? columns.map(() => undefined);
    cells[column] = value.toFixed(2);
    labels.set(label, cells);
  };
  for (const [column, { scores }] of columns.entries()) {
    for (const { label, value } of averages(benchmark, scores)) put(label, column, value);
  }
  if (labels.size === 0) return "";
  const rows = [...labels].map(([label, cells]) => [label, ...cells.map((cell) => cell ?? "")]);
  return textTable(["average", ...columns.map(({ name }) => name)], rows);
}

function averages(benchmark: PredictedBenchmark, scores: ReadonlyMap<string, number>) {
  const byLength = new Map<number, Map<string, number>>();
  for (const [row, value] of scores) {
    const [task, length = "0"] = row.replaceAll(",", "").split(" at ");
    byLength.set(Number(length), (byLength.get(Number(length)) ?? new Map()).set(task, value));
  }
  const means: { label: string; value: number }[] = [];
  for (const [length, tasks] of byLength) {
    const plain = new Map([...tasks].filter(([task]) => benchmark !== "longbench" || isLongBench(task)));
    if (plain.size < 2) continue;
    for (const { label, value } of averagesOf(benchmark, plain)) {
      means.push({ label: length === 0 ? label : `${label} at ${length.toLocaleString("en-US")}`, value });
    }
  }
  if (benchmark !== "ruler" || byLength.size < 2) return means;
  return [
    ...means,
    ...rulerAverages(new Map([...byLength].map(([length, tasks]) => [length, meanOf([...tasks.values()])]))),
  ];
}

function isLongBench(task: string): boolean {
  return task.replace(/_e$/, "") in longBenchTasks && longBenchTask(task) !== undefined;
}

/** LongBench-E's scores by length, and L-Eval's parts. */
export function partLines(scored: readonly ScoredSet[]): string[] {
  return scored.filter(({ score }) => score.parts).map((set) => {
    const parts = Object.entries(set.score.parts!).map(([name, value]) => {
      return `${name} ${Number.isNaN(value) ? "none" : shownScore(set.score, value)}`;
    });
    return `${set.task}, ${set.method}: ${parts.join(", ")}`;
  });
}
