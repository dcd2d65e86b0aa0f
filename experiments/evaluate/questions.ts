import {
  commonVocabulary,
  essayWords,
  factsRulerWording,
  hasInfiniteBenchLengths,
  hasLEvalPrompts,
  hasOpenCompassPrompts,
  levalNames,
  type LoadedTask,
  loadInfiniteBench,
  loadLEval,
  loadLongBench,
  longBenchNames,
  makeNeedleGrid,
  makeRetrieval,
  makeRuler,
  MissingFileError,
  novelsText,
  officialRulerWording,
  type OpenCompassSuite,
  ownRulerWording,
  Prose,
  type QaData,
  readNeedles,
  readQaData,
  Release,
  type RetrievalTask,
  retrievalTasks,
  rulerKind,
  rulerTasks,
  type RulerWording,
  type TextTokenizer,
} from "../../lib/evaluation/mod.ts";
import { infiniteBenchTasks } from "../../lib/evaluation/mod.ts";
import { fetchDataset, type HubOptions } from "../../lib/model/mod.ts";
import { fileExists, readText } from "../../lib/platform.ts";
import type { BenchmarkName, EvaluateArguments } from "./arguments.ts";

/** Where the hub keeps the benchmarks' data. */
const DATASETS: Partial<Record<BenchmarkName, string>> = {
  "longbench": "THUDM/LongBench",
  "longbench-e": "THUDM/LongBench",
  "leval": "L4NLP/LEval",
  "infinitebench": "xinrongzhang2022/InfiniteBench",
};

/** LongBench-E's 13 tasks. */
const EVEN_TASKS = [
  ...["qasper", "multifieldqa_en", "hotpotqa", "2wikimqa", "gov_report", "multi_news", "trec", "triviaqa", "samsum"],
  ...["passage_count", "passage_retrieval_en", "lcc", "repobench-p"],
].map((task) => `${task}_e`);

/** A task whose questions are loaded or made when its turn comes. */
export interface PlannedTask {
  readonly task: string;
  /** Tokens of its prompts, where it is made at one length. */
  readonly length?: number;
  readonly load: () => Promise<LoadedTask>;
  /** Of tasks that are made here: how much there is to do, known before they are made. */
  readonly size?: TaskSize;
}

/** How much a task has to read and write. */
export interface TaskSize {
  readonly questions: number;
  /** Prompts to read: fewer than questions where several are about one context. */
  readonly prompts: number;
  /** Most tokens to write after a prompt. */
  readonly maxTokens: number;
}

/** Most tokens of an answer: about a needle, and of InfiniteBench's retrieval tasks. */
const LONGEST_ANSWER = { niah: 50, retrieval: 50 } as const;

/** What tasks are made with. */
export interface QuestionSource {
  readonly tokenizer: TextTokenizer;
  /** Tells what the user should know of the questions. */
  readonly warn: (message: string) => void;
  readonly hub?: HubOptions;
}

/** The tasks that were asked for; files that a benchmark needs are looked for now. */
export async function planTasks(
  asked: EvaluateArguments,
  source: QuestionSource,
  release?: Release,
): Promise<PlannedTask[]> {
  switch (asked.benchmark) {
    case "longbench":
    case "longbench-e":
    case "leval":
    case "infinitebench":
      return releaseTasks(asked, release ?? await openRelease(asked, source), source);
    case "ruler":
      return await rulerPlan(asked, source);
    case "niah":
      return await gridPlan(asked, source);
    case "retrieval":
      return retrievalPlan(asked, source);
    case "perplexity":
      return [];
  }
}

/** The text to hide in, or to score. */
export async function haystackText({ haystack }: Pick<EvaluateArguments, "haystack">): Promise<string> {
  return haystack ? (await Promise.all(haystack.map(readText))).join("\n") : await novelsText();
}

/** Opens the folders of a release; "hub" is fetched first. */
export async function openRelease(asked: EvaluateArguments, { hub }: QuestionSource): Promise<Release> {
  const folders = await Promise.all(asked.data.map(async (folder) => {
    if (folder !== "hub") return folder;
    const name = DATASETS[asked.benchmark];
    if (!name) throw new RangeError(`${asked.benchmark} is on no hub: name its folder with --data`);
    return await fetchDataset(name, (path) => /\.(jsonl?|zip|parquet|py)$/.test(path), hub);
  }));
  for (const [index, folder] of folders.entries()) {
    if (await fileExists(folder)) continue;
    throw new MissingFileError(
      `there is no folder ${
        asked.data[index]
      }: name the folder of the release with --data, or fetch it with --data hub`,
    );
  }
  return await Release.open(...folders);
}

function chosen(known: readonly string[], { tasks, benchmark }: EvaluateArguments): readonly string[] {
  const wrong = tasks?.find((task) => !known.includes(task) && !known.includes(`${task}_e`));
  if (wrong !== undefined) throw new RangeError(`${benchmark} has no task "${wrong}"; it has ${known.join(", ")}`);
  if (!tasks) return known;
  return known.filter((task) => tasks.includes(task) || tasks.includes(task.replace(/_e$/, "")));
}

/**
 * Of all tasks those whose data a release may hold; the others are told of. Where none is there, or a task was named, loading
 * says which file is missing.
 */
function there(names: readonly string[], { tasks }: EvaluateArguments, release: Release, warn: (text: string) => void) {
  if (tasks || release.matching(/\.zip$/).length > 0) return names;
  return withData(names, release, warn);
}

/** Of tasks those whose data are in the folders; the others are told of. All of them where none is there. */
export function withData(names: readonly string[], release: Release, warn: (text: string) => void): readonly string[] {
  const found = names.filter((name) => release.hasTable(name));
  if (found.length === 0 || found.length === names.length) return names;
  warn(`left out, since the folder holds no data of them: ${names.filter((name) => !found.includes(name)).join(", ")}`);
  return found;
}

function releaseTasks(asked: EvaluateArguments, release: Release, { warn }: QuestionSource): PlannedTask[] {
  const { benchmark, rules, templateSet } = asked;
  const plan = (names: readonly string[], load: (task: string) => Promise<LoadedTask>): PlannedTask[] => {
    return there(chosen(names, asked), asked, release, warn).map((task) => ({ task, load: () => load(task) }));
  };
  const fromOpenCompass = rules === "opencompass" && benchmark !== "longbench-e" &&
    hasOpenCompassPrompts(release, benchmark as OpenCompassSuite);
  if (benchmark === "infinitebench") {
    if (!hasInfiniteBenchLengths(release) && !fromOpenCompass) {
      warn(
        "InfiniteBench: answer lengths as the release's src/eval_utils.py sets them, kept in this toolkit: the folder has no " +
          "src/eval_utils.py and no dataset2maxlen.json; name the one that has it with --data",
      );
    }
    return plan(Object.keys(infiniteBenchTasks), (task) => loadInfiniteBench(release, task, { templateSet, rules }));
  }
  if (benchmark !== "leval") {
    return plan(
      benchmark === "longbench" ? longBenchNames : EVEN_TASKS,
      (task) => loadLongBench(release, task, { rules }),
    );
  }
  const prompts = asked.prompts ?? (hasLEvalPrompts(release) ? "official" : "plain");
  if (prompts === "plain" && !fromOpenCompass) {
    warn(
      "L-Eval: prompts of this toolkit, so that scores can't be compared with published ones; the official ones are in " +
        "Baselines/LEval_config.py and Baselines/llama2-chat-test.py of the LEval repository: add its folder to --data",
    );
  }
  return plan(levalNames, (task) => loadLEval(release, task, { rules, prompts }));
}

async function rulerWording(asked: EvaluateArguments): Promise<RulerWording> {
  const folders: string[] = [];
  for (const folder of asked.data) if (await fileExists(folder)) folders.push(folder);
  if (folders.length > 0) return await officialRulerWording(await Release.open(...folders));
  return asked.model === "demo" ? factsRulerWording : ownRulerWording;
}

async function rulerPlan(asked: EvaluateArguments, { tokenizer, warn }: QuestionSource): Promise<PlannedTask[]> {
  const { lengths = [4096], samples = 10, seed, maxNew, squad, hotpot } = asked;
  const wording = await rulerWording(asked);
  if (wording.name !== "official") {
    warn(
      `RULER: questions in ${
        wording.name === "facts" ? "the wording of the embedded model's needles" : "this toolkit's wording"
      }` +
        "; the official one is in scripts/data/synthetic of the RULER repository: name its folder with --data",
    );
  }
  const qa: Record<string, QaData> = {
    ...(squad && { qa_1: await readQaData(squad) }),
    ...(hotpot && { qa_2: await readQaData(hotpot) }),
  };
  const essays = essayWords(await haystackText(asked));
  const vocabulary = await commonVocabulary();
  const known = asked.tasks ? rulerTasks : rulerTasks.filter((task) => !task.startsWith("qa") || task in qa);
  if (known.length < rulerTasks.length) warn("RULER: qa_1 and qa_2 need your own files (--squad, --hotpot): left out");
  const options = { tokenizer, count: samples, seed, wording, essays, vocabulary, qa, maxTokens: maxNew };
  return lengths.flatMap((length) =>
    chosen(known, asked).map((task) => ({
      task,
      length,
      size: { questions: samples, prompts: samples, maxTokens: maxNew ?? wording.templates[rulerKind(task)].maxTokens },
      load: () => Promise.resolve(makeRuler(task, { ...options, length })),
    }))
  );
}

async function gridPlan(asked: EvaluateArguments, { tokenizer, warn }: QuestionSource): Promise<PlannedTask[]> {
  const { lengths = [512, 1024, 2048, 4096, 8192], samples = 1, seed, protocol, together, reserve, maxNew } = asked;
  const { several: perQuestion = 1 } = asked;
  const depths = asked.depths ?? Array.from({ length: 11 }, (_, index) => index / 10);
  const read = asked.needles === undefined ? undefined : await readNeedles(asked.needles, asked.language);
  for (const { file, line, message } of read?.faults ?? []) warn(`${file}:${line}: ${message}`);
  const prose = new Prose(tokenizer, await haystackText(asked));
  const shared = { tokenizer, prose, depths, repeats: samples, together, perQuestion, protocol, seed, reserve };
  const maxTokens = (maxNew ?? LONGEST_ANSWER.niah * perQuestion) * (together ? depths.length : 1);
  const size = { questions: samples * depths.length, prompts: samples * (together ? 1 : depths.length), maxTokens };
  return lengths.map((length) => ({
    task: `${perQuestion === 1 ? "single" : "multi"}_${protocol}`,
    length,
    size,
    load: () =>
      Promise.resolve(makeNeedleGrid({ ...shared, maxTokens: maxNew, lengths: [length], needles: read?.needles })),
  }));
}

function retrievalPlan(asked: EvaluateArguments, { tokenizer }: QuestionSource): PlannedTask[] {
  const { lengths = [4096], samples = 10, seed, maxNew } = asked;
  return lengths.flatMap((length) =>
    chosen(retrievalTasks, asked).map((task) => ({
      task,
      length,
      size: { questions: samples, prompts: samples, maxTokens: maxNew ?? LONGEST_ANSWER.retrieval },
      load: () =>
        Promise.resolve(
          makeRetrieval(task as RetrievalTask, { tokenizer, length, count: samples, seed, maxTokens: maxNew }),
        ),
    }))
  );
}
