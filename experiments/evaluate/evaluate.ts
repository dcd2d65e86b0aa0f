import { writeAside } from "../../lib/platform.ts";
import { readPlotlySource, renderReport } from "../../lib/viz/mod.ts";
import type { EvaluateArguments } from "./arguments.ts";
import { readPublished } from "./compare.ts";
import type { EvaluateOn } from "./evaluate_on.ts";
import { heatmapSections } from "./heatmap.ts";
import { mostTokens } from "./limits.ts";
import { runPerplexity } from "./perplexity.ts";
import { openRelease, planTasks, type QuestionSource } from "./questions.ts";
import { averageTable, partLines, scoreRun, scoreTable } from "./report.ts";
import { type EvaluateRun, knobsOf, runEvaluation } from "./run.ts";
import { keepSettings } from "./settings.ts";

const RELEASED = ["longbench", "longbench-e", "leval", "infinitebench"];

/** Runs an evaluation and prints its tables; whether anything could not be answered or used. */
export async function evaluate(asked: EvaluateArguments, { model, progress, signal }: EvaluateOn): Promise<boolean> {
  const warnings: string[] = [];
  const warn = (message: string) => {
    warnings.push(message);
    console.error(`note: ${message}`);
  };
  const source: QuestionSource = { tokenizer: model.tokenizer, warn };
  const published = asked.compare === undefined ? undefined : await readPublished(asked.compare);
  // Knobs that can't be are told at once, not question by question.
  for (const method of asked.methods) model.createSession({ method, knobs: knobsOf(method, asked) })[Symbol.dispose]();
  if (asked.benchmark === "perplexity") {
    await runPerplexity(asked, { model, progress, signal });
    return false;
  }
  const release = RELEASED.includes(asked.benchmark) ? await openRelease(asked, source) : undefined;
  const tasks = await planTasks(asked, source);
  await keepSettings(asked);
  const run = await runEvaluation(asked, tasks, {
    model,
    progress,
    signal,
    mostTokens: await mostTokens(asked, release),
  });
  await tellFailures(asked, run);
  const scored = await scoreRun(run, asked);
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
    const page = renderReport({
      title: `Needles in ${asked.model}`,
      introduction: [
        `${asked.protocol}, ${asked.together ? "needles of all depths in one context" : "a context for each cell"}.`,
        notes,
      ]
        .join("\n\n"),
      sections: await heatmapSections(scored),
      plotlySource: await readPlotlySource(),
    });
    await writeAside(`${asked.out}/heatmaps.html`, page);
    console.log(`heatmaps: ${asked.out}/heatmaps.html`);
  }
  return run.failures.length + run.faults.length > 0;
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
