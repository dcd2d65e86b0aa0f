import { type AnswerKeeper, openCompassOptionFinder, type Release } from "../../lib/evaluation/mod.ts";
import { writeAside } from "../../lib/platform.ts";
import { readPlotlySource, renderReport, saveFigure } from "../../lib/viz/mod.ts";
import type { EvaluateArguments } from "./arguments.ts";
import { readPublished } from "./compare.ts";
import type { EvaluateOn } from "./evaluate_on.ts";
import { heatmapSections } from "./heatmap.ts";
import { mostTokens } from "./limits.ts";
import { runPerplexity } from "./perplexity.ts";
import { openRelease, type PlannedTask, planTasks, type QuestionSource } from "./questions.ts";
import { averageTable, partLines, type ScoredSet, scoreRun, scoreTable } from "./report.ts";
import { type EvaluateRun, knobsOf, runEvaluation } from "./run.ts";
import { keepSettings } from "./settings.ts";

const RELEASED = ["longbench", "longbench-e", "leval", "infinitebench"];

/** Answers of a run with their scores, and what could not be answered or used. */
export interface Evaluated {
  readonly run: EvaluateRun;
  readonly scored: readonly ScoredSet[];
}

/** Asks what is open, keeps the answers, and scores all there are; questions must not be those of perplexity. */
export async function answerAndScore(
  asked: EvaluateArguments,
  source: QuestionSource,
  on: EvaluateOn,
): Promise<Evaluated> {
  const planned = await plan(asked, source);
  await keepSettings(asked);
  const run = await answer(asked, planned, on);
  await tellFailures(asked, run);
  const { release } = planned;
  return { run, scored: await scoreRun(run, asked, release && await optionFinderFor(asked, release, source)) };
}

/** Asks what is open of a part of the questions, or of all, and keeps the answers where `open` says. */
export async function answerOnly(
  asked: EvaluateArguments,
  on: EvaluateOn,
  open?: () => Promise<AnswerKeeper>,
): Promise<EvaluateRun> {
  return await answer(asked, await plan(asked, { tokenizer: on.model.tokenizer, warn: note }), on, open);
}

function note(message: string): void {
  console.error(`note: ${message}`);
}

interface Planned {
  readonly tasks: readonly PlannedTask[];
  readonly release: Release | undefined;
}

async function plan(asked: EvaluateArguments, source: QuestionSource): Promise<Planned> {
  const release = RELEASED.includes(asked.benchmark) ? await openRelease(asked, source) : undefined;
  return { release, tasks: await planTasks(asked, source, release) };
}

async function answer(
  asked: EvaluateArguments,
  { tasks, release }: Planned,
  { model, progress, signal }: EvaluateOn,
  open?: () => Promise<AnswerKeeper>,
): Promise<EvaluateRun> {
  const most = await mostTokens(asked, release);
  return await runEvaluation(asked, tasks, { model, progress, signal, mostTokens: most, open });
}

/** OpenCompass's way to find a chosen letter, where it is wanted and at hand. */
async function optionFinderFor({ benchmark, rules }: EvaluateArguments, release: Release, { warn }: QuestionSource) {
  if (benchmark !== "infinitebench" || rules !== "opencompass") return undefined;
  const find = await openCompassOptionFinder(release);
  if (!find) {
    warn(
      "InfiniteBench: letters found as its own script does; OpenCompass's patterns are in " +
        "opencompass/utils/text_postprocessors.py of its repository: add that to --data",
    );
  }
  return find;
}

/** Runs an evaluation and prints its tables; whether anything could not be answered or used. */
export async function evaluate(asked: EvaluateArguments, on: EvaluateOn): Promise<boolean> {
  const { model } = on;
  const warnings: string[] = [];
  const warn = (message: string) => {
    warnings.push(message);
    note(message);
  };
  const published = asked.compare === undefined ? undefined : await readPublished(asked.compare);
  // Knobs that can't be are told at once, not question by question.
  for (const method of asked.methods) model.createSession({ method, knobs: knobsOf(method, asked) })[Symbol.dispose]();
  if (asked.benchmark === "perplexity") {
    await runPerplexity(asked, on);
    return false;
  }
  const { run, scored } = await answerAndScore(asked, { tokenizer: model.tokenizer, warn }, on);
  if (scored.length === 0) {
    console.error("evaluate: there is no answer to score");
    return true;
  }
  const parts = [scoreTable(scored, published), averageTable(scored, published), partLines(scored).join("\n")];
  const from = published ? `Published: ${published.source}` : "";
  const tables = [...parts, from].filter((part) => part !== "").join("\n\n");
  console.log(`\n${tables}\n`);
  const notes = warnings.map((warning) => `Note: ${warning}`).join("\n\n");
  await writeAside(`${asked.out}/scores.md`, `${[tables, notes].filter(Boolean).join("\n\n")}\n`);
  await writeAside(`${asked.out}/scores.json`, `${JSON.stringify(scored, null, 1)}\n`);
  console.log(`answers and scores: ${asked.out}`);
  if (asked.benchmark === "niah") {
    await writeHeatmaps(scored, asked, notes);
    console.log(`heatmaps: ${asked.out}/heatmaps.html`);
  }
  return run.failures.length + run.faults.length > 0;
}

/** A page with the heatmaps of a needle grid. */
export async function writeHeatmaps(
  scored: readonly ScoredSet[],
  { model, protocol, together, out }: EvaluateArguments,
  notes: string,
): Promise<void> {
  const how = `${protocol}, ${together ? "needles of all depths in one context" : "a context for each cell"}.`;
  const sections = await heatmapSections(scored);
  for (const { heading, figure } of sections) await saveFigure(figure!, `${out}/heatmap_${heading}.json`);
  const page = renderReport({
    title: `Needles in ${model}`,
    introduction: [how, notes].join("\n\n"),
    sections,
    plotlySource: await readPlotlySource(),
  });
  await writeAside(`${out}/heatmaps.html`, page);
}

/** Rows that could not be used and questions that could not be answered: told, counted, and kept beside the answers. */
async function tellFailures({ out }: EvaluateArguments, { failures, faults }: EvaluateRun): Promise<void> {
  for (const { file, line, message } of faults) console.error(`${file}:${line}: ${message}`);
  for (const { task, method, question, message } of failures) {
    console.error(`${task} ${question}, ${method}: ${message}`);
  }
  if (faults.length > 0) console.error(`${faults.length} rows could not be used; the rest was evaluated`);
  if (failures.length > 0) console.error(`${failures.length} questions could not be answered; they count in no score`);
  const lines = [...faults, ...failures].map((line) => `${JSON.stringify(line)}\n`).join("");
  await writeAside(`${out}/failures.jsonl`, lines);
}
