import * as z from "../../zod.ts";
import { readText } from "../../platform.ts";
import type { Release } from "../data/release.ts";
import { pythonLiteral } from "../data/python_literals.ts";
import { readTable } from "../data/rows.ts";
import { FloatNumber, type Reference } from "../metrics/float_number.ts";
import { infiniteBenchTasks } from "../metrics/infinitebench.ts";
import { fillTemplate, type LoadedTask, type Question, type RowFault } from "../question.ts";
import { openCompassPrompt } from "./opencompass_configs.ts";
import { faultOf, parseRow, readJsonFile } from "./row.ts";

const CODE = "the InfiniteBench repository (src/prompt.py), or InfLLM's (benchmark/config/dataset2prompt.json)";
const DATA = "the data set xinrongzhang2022/InfiniteBench of the hub";

/** New tokens by task as src/eval_utils.py of the release sets them, for folders that hold no file with lengths. */
const OFFICIAL_LENGTHS: Readonly<Record<string, number>> = {
  passkey: 6,
  number_string: 12,
  kv_retrieval: 50,
  longbook_sum_eng: 1200,
  longbook_choice_eng: 40,
  longbook_qa_eng: 40,
  longbook_qa_chn: 40,
  longdialogue_qa_eng: 40,
  math_find: 3,
  math_calc: 30000,
  code_run: 5,
  code_debug: 5,
};

const LETTERS = ["A", "B", "C", "D"];
const CHOICE = new Set(["longbook_choice_eng", "code_debug"]);

const text = z.string({ error: (issue) => `must be text, not ${JSON.stringify(issue.input) ?? "missing"}` });
const reference = z.union([z.string(), z.number(), z.instanceof(FloatNumber)], "must be texts or numbers");
const rowSchema = z.looseObject({
  id: z.optional(z.union([z.number(), z.string()])),
  context: z.optional(text),
  content: z.optional(text),
  input: text,
  answer: z.union([reference, z.array(z.union([reference, z.array(reference)]))], "must be texts or numbers"),
  options: z.nullish(z.array(text, "must be a list of texts")),
});

type Row = z.infer<typeof rowSchema>;

/** Which of the release's sets of templates is used. */
export interface InfiniteBenchOptions {
  /** A set of src/prompt.py, without `_templates`. Default "yarn_mistral", which is for open models. */
  readonly templateSet?: string;
  /** "opencompass": prompts and lengths of its own configs, where the folders hold them. Default "official". */
  readonly rules?: "official" | "opencompass";
}

async function templatesOf(release: Release, set: string): Promise<Record<string, string>> {
  const path = release.need(CODE, "src/prompt.py", "prompt.py", "config/dataset2prompt.json", "dataset2prompt.json");
  const schema = z.record(z.string(), z.string());
  if (path.endsWith(".json")) return await readJsonFile(path, schema);
  return schema.parse(pythonLiteral(await readText(path), `${set}_templates`, path));
}

/** Files that may hold the lengths of answers. */
const LENGTH_FILES = {
  json: ["config/dataset2maxlen.json", "dataset2maxlen.json"],
  code: ["src/eval_utils.py", "eval_utils.py"],
} as const;

/**
 * Whether a release's folder says how long answers may be; elsewhere the lengths are those that this toolkit keeps.
 *
 * @example
 * ```ts
 * import { hasInfiniteBenchLengths, Release } from "@reattention/toolkit/evaluation";
 *
 * const check = async (folder: string) => hasInfiniteBenchLengths(await Release.open(folder));
 * ```
 */
export function hasInfiniteBenchLengths(release: Release): boolean {
  return release.find(...LENGTH_FILES.json).length > 0 || release.find(...LENGTH_FILES.code).length > 0;
}

async function lengthsOf(release: Release): Promise<Record<string, number>> {
  const schema = z.record(z.string(), z.int().check(z.minimum(1)));
  const [json] = release.find(...LENGTH_FILES.json);
  if (json !== undefined) return await readJsonFile(json, schema);
  const [code] = release.find(...LENGTH_FILES.code);
  if (code === undefined) return { ...OFFICIAL_LENGTHS };
  return schema.parse(pythonLiteral(await readText(code), "DATA_NAME_TO_MAX_NEW_TOKENS", code));
}

/** What a template's names stand for. */
function valuesOf(task: string, { input, context, content, options }: Row): Record<string, string> {
  const document = context ?? content;
  if (document === undefined) throw new RangeError("context must be text, not missing");
  const values: Record<string, string> = { context: document, input, question: input };
  for (const [index, option] of (options ?? []).entries()) {
    if (index >= LETTERS.length) continue;
    values[`OPTION_${LETTERS[index]}`] = option;
    // As OpenCompass's configs call it.
    values[`option_${LETTERS[index]}`] = option;
  }
  if (task === "code_run") {
    const call = /func_[0-9]+\(-?[0-9]+\)/.exec(input)?.[0];
    if (!call) throw new RangeError(`input ${JSON.stringify(input)} must call a function func_N(x)`);
    Object.assign(values, { func_call: call, func: call.slice(0, call.indexOf("(")) });
  }
  if (task === "math_find") {
    const wanted = /The (.+) of/s.exec(input)?.[1];
    if (!wanted) throw new RangeError(`input ${JSON.stringify(input)} must say "The ... of"`);
    values.prefix = `What is the ${wanted.toLowerCase()} in the following list?`;
  }
  if (task === "kv_retrieval") values.key = [...input].slice(6, 44).join("");
  return values;
}

/** The labels as the official scorer gets them: for a choice the option's text and its letter. */
function labelsOf(task: string, { answer, options }: Row): Reference[] {
  const list = (Array.isArray(answer) ? answer : [answer]).flat();
  if (list.length === 0) throw new RangeError("answer must have at least one entry");
  if (!CHOICE.has(task)) return list;
  const [first] = list.map(String);
  if (list.length === 2 && LETTERS.includes(String(list[1]))) return list;
  const known = options ?? [];
  const index = known.indexOf(first);
  if (index >= 0) return [first, LETTERS[index]];
  if (LETTERS.includes(first) && known.length > LETTERS.indexOf(first)) return [known[LETTERS.indexOf(first)], first];
  throw new RangeError(`answer ${JSON.stringify(first)} must be one of the options ${JSON.stringify(known)}`);
}

/**
 * The questions of a task of InfiniteBench, from the release's own files: TASK.jsonl, and templates from src/prompt.py or a
 * dataset2prompt.json. Lengths of answers come from dataset2maxlen.json or src/eval_utils.py where one is there.
 *
 * @throws {MissingFileError} naming the file that is missing and where it comes from.
 * @throws {RangeError} for a task that is none, or templates that lack it or ask for what rows don't have.
 *
 * @example
 * ```ts
 * import { loadInfiniteBench, Release } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const write = (name: string, value: object) => Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(value));
 * await write("dataset2prompt.json", { passkey: "{context}\n{input}" });
 * await write("passkey.jsonl", { context: "The key is 71432.", input: "What is the key?", answer: ["71432"] });
 * const { questions: [question] } = await loadInfiniteBench(await Release.open(folder), "passkey");
 * await Deno.remove(folder, { recursive: true });
 * assertEquals(question.prompt, "The key is 71432.\nWhat is the key?");
 * assertEquals([question.references, question.maxTokens], [["71432"], 6]);
 * ```
 */
export async function loadInfiniteBench(
  release: Release,
  task: string,
  { templateSet = "yarn_mistral", rules = "official" }: InfiniteBenchOptions = {},
): Promise<LoadedTask> {
  if (!(task in infiniteBenchTasks)) {
    throw new RangeError(
      `InfiniteBench has no task "${task}"; it has ${Object.keys(infiniteBenchTasks).join(", ")}`,
    );
  }
  const config = rules === "opencompass" ? await openCompassPrompt(release, "infinitebench", task) : undefined;
  const template = config?.template ?? (await templatesOf(release, templateSet))[task];
  if (template === undefined) throw new RangeError(`${CODE} has no template for ${task}`);
  const maxTokens = config?.maxTokens ?? (await lengthsOf(release))[task] ?? OFFICIAL_LENGTHS[task];
  const questions: Question[] = [];
  const faults: RowFault[] = [];
  for await (const row of readTable(release, { name: task, origin: DATA })) {
    try {
      const parsed = parseRow(rowSchema, row);
      const values = valuesOf(task, parsed);
      questions.push({
        benchmark: "infinitebench",
        task,
        id: row.id,
        prompt: fillTemplate(template, values),
        tail: fillTemplate(template.split("{context}").at(-1)!, values),
        chat: false,
        maxTokens,
        shortening: { kind: "tokens", rule: "exact_middle" },
        references: labelsOf(task, parsed),
        about: { id: parsed.id ?? row.line - 1 },
      });
    } catch (error) {
      faults.push(faultOf(row, error));
    }
  }
  return { task, questions, faults };
}
