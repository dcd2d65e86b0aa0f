import {
  averagesOf,
  predictedBenchmarks,
  rulerAverages,
  type ScoredFile,
  type ScoreOptions,
  scorePredictions,
  type TaskScore,
  textTable,
} from "../../lib/evaluation/mod.ts";

/** A file and what it came to. */
export interface ScoredPredictions {
  /** Its path. */
  readonly path: string;
  /** Its score and the lines that have none. */
  readonly result: ScoredFile;
}

/** Scores files one after another. */
export async function scoreFiles(paths: readonly string[], options: ScoreOptions): Promise<ScoredPredictions[]> {
  const scored: ScoredPredictions[] = [];
  for (const path of paths) scored.push({ path, result: await scorePredictions(path, options) });
  return scored;
}

/** What predictions are grouped by: their folder, which stands for model and length. */
function folderOf(path: string): string {
  return path.replace(/\/?[^/]*$/, "") || ".";
}

/** A score as its benchmark's tables print it. */
export function shownScore({ benchmark }: Pick<TaskScore, "benchmark">, score: number): string {
  return benchmark === "infinitebench" ? (100 * score).toFixed(2) : score.toFixed(2);
}

function shownParts(task: TaskScore): string {
  return Object.entries(task.parts ?? {}).map(([name, value]) => {
    return `${name} ${Number.isNaN(value) ? "none" : value.toFixed(2)}`;
  }).join(", ");
}

function folderReport(folder: string, tasks: readonly TaskScore[]): string {
  const rows = tasks.map((task) => [
    task.task,
    task.benchmark,
    String(task.answers),
    String(task.empty),
    shownScore(task, task.score),
    shownParts(task),
  ]);
  const averages = predictedBenchmarks.flatMap((benchmark) => {
    const scores = new Map(
      tasks.filter((task) => task.benchmark === benchmark).map(({ task, score }) => [task, score]),
    );
    if (scores.size < 2) return [];
    return averagesOf(benchmark, scores).map(({ label, value }) => `${label}: ${shownScore({ benchmark }, value)}`);
  });
  const table = textTable(["task", "benchmark", "answers", "empty", "score in %", "parts"], rows);
  return [folder, "", table, ...(averages.length > 0 ? ["", ...averages] : [])].join("\n");
}

/** RULER's means over the lengths of a model, whose folders are named by them. */
function rulerReport(folders: ReadonlyMap<string, readonly TaskScore[]>): string[] {
  const models = new Map<string, Map<number, number>>();
  for (const [folder, tasks] of folders) {
    const [, model, length] = /^(.*)\/synthetic\/(\d+)\/pred$/.exec(folder) ?? [];
    const scores = tasks.filter(({ benchmark }) => benchmark === "ruler").map(({ score }) => score);
    if (!model || scores.length === 0) continue;
    const byLength = models.get(model) ?? new Map<number, number>();
    models.set(model, byLength.set(Number(length), scores.reduce((a, b) => a + b, 0) / scores.length));
  }
  return [...models].filter(([, byLength]) => byLength.size > 1).map(([model, byLength]) => {
    return [model, ...rulerAverages(byLength).map(({ label, value }) => `${label}: ${value.toFixed(2)}`)].join("\n");
  });
}

/** Scores by folder with their averages, and the lines that could not be scored. */
export function reportOf(scored: readonly ScoredPredictions[]): string {
  const folders = new Map<string, TaskScore[]>();
  for (const { path, result } of scored) {
    if (!result.task) continue;
    folders.set(folderOf(path), [...folders.get(folderOf(path)) ?? [], result.task]);
  }
  const faults = scored.flatMap(({ path, result }) => [
    ...result.faults.map(({ line, message }) => `${path}:${line}: ${message}`),
    ...(result.skipped > 0 ? [`${path}: ${result.skipped} rows are scored by people or models only: left out`] : []),
  ]);
  const parts = [...folders].map(([folder, tasks]) => folderReport(folder, tasks));
  return [...parts, ...rulerReport(folders), ...(faults.length > 0 ? [faults.join("\n")] : [])].join("\n\n");
}
