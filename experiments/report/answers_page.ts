import { z } from "zod";
import { averagesOf, predictedBenchmarks, type TaskScore } from "../../lib/evaluation/mod.ts";
import { fileExists, readText } from "../../lib/platform.ts";
import { renderReport, type ReportSection } from "../../lib/viz/mod.ts";
import { gridHeatmap } from "../evaluate/heatmap.ts";
import { findPredictions } from "../score/files.ts";
import { type ScoredPredictions, scoreFiles, shownScore } from "../score/predictions.ts";

/** A file of answers with its score. */
interface ScoredFile {
  readonly path: string;
  /** The file's folder, inside the one that was asked for where that is one. */
  readonly folder: string;
  readonly task: TaskScore;
}

const settingsSchema = z.record(z.string(), z.unknown());

/**
 * The page of folders of answers, as `deno task evaluate` writes them, also while it still runs: every file's score, averages as
 * published, and heatmaps of needle grids.
 *
 * @throws {Error} where there is no answer to score.
 */
export async function answersPage(folders: readonly string[], plotlySource: string): Promise<string> {
  const results = await scoreFiles(await findPredictions(folders), {});
  const scored = results.flatMap(({ path, result: { task } }) => {
    return task ? [{ path, folder: folderOf(path, folders), task }] : [];
  });
  if (scored.length === 0) throw new Error(`there is no answer to score in ${folders.join(", ")}`);
  return renderReport({
    title: `Answers in ${folders.join(", ")}`,
    introduction: (await Promise.all(folders.map(settingsOf))).filter(Boolean).join("\n\n"),
    sections: [
      scoreSection(scored),
      ...averageSections(scored),
      ...await gridSections(scored),
      ...faultSections(results),
    ],
    plotlySource,
  });
}

/** What a folder's answers were made with, where it says so. */
async function settingsOf(folder: string): Promise<string> {
  const path = `${folder}/settings.json`;
  if (!await fileExists(path)) return "";
  const parsed = settingsSchema.safeParse(JSON.parse(await readText(path)));
  if (!parsed.success) throw new RangeError(`${path}: must be an object of settings`);
  const named = Object.entries(parsed.data).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return `${folder}: ${named.join(", ")}`;
}

function scoreSection(scored: readonly ScoredFile[]): ReportSection {
  const rows = scored.map(({ folder, task }) => [
    folder,
    task.task,
    task.benchmark,
    String(task.answers),
    String(task.empty),
    shownScore(task, task.score),
  ]);
  const [left, right] = ["left", "right"] as const;
  const columns = [
    { label: "answers of", align: left },
    { label: "task", align: left },
    { label: "benchmark", align: left },
    { label: "answers", align: right },
    { label: "empty", align: right },
    { label: "score in %", align: right },
  ];
  return { heading: "Scores", text: "", table: { columns, rows, interactive: true } };
}

function averageSections(scored: readonly ScoredFile[]): ReportSection[] {
  const rows = [...Map.groupBy(scored, ({ folder }) => folder)].flatMap(([folder, files]) => {
    return predictedBenchmarks.flatMap((benchmark) => {
      const own = files.filter(({ task }) => task.benchmark === benchmark);
      const scores = new Map(own.map(({ task: { task, score } }) => [task, score]));
      if (scores.size < 2) return [];
      return averagesOf(benchmark, scores).map(({ label, value }) => [folder, label, shownScore({ benchmark }, value)]);
    });
  });
  if (rows.length === 0) return [];
  const columns = [{ label: "answers of" }, { label: "average" }, { label: "score in %", align: "right" as const }];
  return [{ heading: "Averages", text: "As published, of the tasks that are there.", table: { columns, rows } }];
}

/** Heatmaps of needle grids, one for each model and method: the last folder's name. */
async function gridSections(scored: readonly ScoredFile[]): Promise<ReportSection[]> {
  const grids = scored.filter(({ task }) => task.benchmark === "needlebench");
  const byName = Map.groupBy(grids, ({ folder }) => folder.split("/").at(-1)!);
  return await Promise.all([...byName].map(async ([name, files]) => {
    const answers = files.reduce((sum, { task }) => sum + task.answers, 0);
    const figure = await gridHeatmap(files.map(({ path }) => path), "");
    return { heading: name, text: `Share of keywords in ${answers} answers.`, figure };
  }));
}

function faultSections(results: readonly ScoredPredictions[]): ReportSection[] {
  const rows = results.flatMap(({ path, result: { faults } }) => {
    return faults.map(({ line, message }) => [`${path}:${line}`, message]);
  });
  if (rows.length === 0) return [];
  const columns = [{ label: "line" }, { label: "what is wrong" }];
  return [{ heading: "Lines that could not be scored", text: "They count in no score.", table: { columns, rows } }];
}

function folderOf(path: string, asked: readonly string[]): string {
  const folder = path.replace(/\/?[^/]*$/, "");
  const around = asked.length === 1 ? asked[0].replace(/\/+$/, "") : "";
  return (around && folder.startsWith(around) ? folder.slice(around.length).replace(/^\/+/, "") : folder) || ".";
}
