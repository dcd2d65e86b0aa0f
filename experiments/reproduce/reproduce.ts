import { hasOpenCompassPrompts, type OpenCompassSuite } from "../../lib/evaluation/mod.ts";
import { fileExists, writeAside } from "../../lib/platform.ts";
import type { EvaluateArguments } from "../evaluate/arguments.ts";
import { type Published, readPublished } from "../evaluate/compare.ts";
import { answerAndScore, writeHeatmaps } from "../evaluate/evaluate.ts";
import type { EvaluateOn } from "../evaluate/evaluate_on.ts";
import { openRelease, planTasks, type QuestionSource, withData } from "../evaluate/questions.ts";
import type { ScoredSet } from "../evaluate/report.ts";
import type { ReproduceArguments } from "./arguments.ts";
import { describePlan } from "./plan.ts";
import { publishedFor } from "./published.ts";
import { type PaperColumn, type PaperSettings, paperSettings } from "./settings.ts";
import { renderTables } from "./tables.ts";

const RELEASED = ["longbench", "leval", "infinitebench"];

const OPENCOMPASS = "the paper's runs had those of OpenCompass's configs/datasets: add its repository to --data";

/** What is not as in the paper's runs, by table; of releases where OpenCompass's configs are not at hand. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  longbench: `prompts and answer lengths of LongBench's own files; ${OPENCOMPASS}`,
  leval: `prompts of L-Eval's own scripts, or of this toolkit; ${OPENCOMPASS}`,
  infinitebench: `prompts and answer lengths of InfiniteBench's own files; ${OPENCOMPASS}`,
  niah: "lengths in the model's own tokens, not GPT-4's; the paper's haystack (en_un_asr) was not published",
  ruler: "the release has no ReAttention run of RULER: settings of its other tables",
};

/** Runs the paper's settings of a table; whether anything could not be answered or used. */
export async function reproduce(options: ReproduceArguments, on: EvaluateOn): Promise<boolean> {
  const { table, given } = options;
  const { model } = on;
  const notes: string[] = [];
  const warn = (message: string) => {
    if (notes.includes(message)) return;
    notes.push(message);
    console.error(`note: ${message}`);
  };
  const all = paperSettings(table, { name: options.asked.model, trainedContext: model.config.trainedContext });
  const settings = { ...all, columns: wantedColumns(all, options) };
  const asked: EvaluateArguments & { tasks?: readonly string[] } = {
    ...options.asked,
    ...settings.asked,
    ...given,
    data: await foldersThere(options.asked.data, table),
  };
  const published = [
    ...publishedFor(table, asked.model),
    ...(asked.compare === undefined ? [] : [await readPublished(asked.compare)]),
  ];
  checkColumns(settings, on);
  const source: QuestionSource = { tokenizer: model.tokenizer, warn };
  const release = RELEASED.includes(table) ? await openRelease(asked, source) : undefined;
  if (release && asked.tasks && !given.tasks && release.matching(/\.zip$/).length === 0) {
    asked.tasks = withData(asked.tasks, release, warn);
  }
  if (!release || !hasOpenCompassPrompts(release, table as OpenCompassSuite)) warn(DIFFERENCES[table]);
  const tasks = await planTasks(asked, source, release);
  console.log(`\n${await describePlan({ asked, settings, tasks, probe: options.probe }, on)}`);
  for (const line of sourcesOf(published)) console.log(line);
  console.log("");
  if (options.plan) return false;
  return await runColumns(asked, settings, { published, notes, source }, on);
}

/** What a run is told besides its settings. */
interface Beside {
  readonly published: readonly Published[];
  readonly notes: readonly string[];
  readonly source: QuestionSource;
}

async function runColumns(asked: EvaluateArguments, settings: PaperSettings, beside: Beside, on: EvaluateOn) {
  const scored: ScoredSet[] = [];
  let failures = 0;
  for (const column of settings.columns) {
    const own = askedOf(asked, column);
    const evaluated = await answerAndScore(own, beside.source, on);
    scored.push(...evaluated.scored.map((set) => ({ ...set, column: column.name })));
    failures += evaluated.run.failures.length + evaluated.run.faults.length;
    if (asked.benchmark === "niah") await writeHeatmaps(evaluated.scored, own, beside.notes.join("\n\n"));
  }
  if (scored.length === 0) {
    console.error("reproduce: there is no answer to score");
    return true;
  }
  const tables = renderTables(scored, beside.published);
  const notes = beside.notes.map((note) => `Note: ${note}`);
  const text = [`Settings: ${settings.source}`, tables, ...sourcesOf(beside.published), ...notes].join("\n\n");
  console.log(`\n${text}\n`);
  await writeAside(`${asked.out}/scores.md`, `# ${asked.benchmark}, ${asked.model}\n\n${text}\n`);
  await writeAside(`${asked.out}/scores.json`, `${JSON.stringify(scored, null, 1)}\n`);
  console.log(`answers and scores: ${asked.out}`);
  return failures > 0;
}

function wantedColumns({ columns }: PaperSettings, { methods, table }: ReproduceArguments): readonly PaperColumn[] {
  if (!methods) return columns;
  const found = columns.filter(({ method }) => methods.includes(method));
  const unknown = methods.find((wanted) => !columns.some(({ method }) => method === wanted));
  if (unknown === undefined) return found;
  const known = [...new Set(columns.map(({ method }) => method))].join(", ");
  throw new RangeError(`${table} has no column of method "${unknown}"; it has ${known}`);
}

/** What a column asks: a folder of its own, since other knobs and cuts give other answers. */
function askedOf(asked: EvaluateArguments, { name, method, knobs, maxLength }: PaperColumn): EvaluateArguments {
  const out = `${asked.out}/${name.toLowerCase().replaceAll(" ", "_")}`;
  return { ...asked, methods: [method], knobs, out, ...(maxLength !== undefined && { maxLength }) };
}

/** Of the default folders those that are there; "hub" stays. */
async function foldersThere(data: readonly string[], table: string): Promise<string[]> {
  const there = await Promise.all(data.map(async (folder) => {
    return folder !== `data/${table}` || await fileExists(folder);
  }));
  return data.filter((_, index) => there[index]);
}

/** Knobs that the model can't have are told before anything is fetched or measured. */
function checkColumns({ columns }: PaperSettings, { model }: EvaluateOn): void {
  for (const { name, method, knobs } of columns) {
    try {
      const beyond = method === "full" && { allowBeyondTrained: true };
      model.createSession({ method, knobs: { ...knobs, ...beyond } })[Symbol.dispose]();
    } catch (error) {
      throw new RangeError(`column "${name}": ${(error as Error).message}`, { cause: error });
    }
  }
}

function sourcesOf(published: readonly Published[]): string[] {
  if (published.length > 0) return published.map(({ source }) => `Published: ${source}`);
  return ["Published: not given here; the paper's tables are in no file of its release, --compare takes them"];
}
