import * as z from "../../zod.ts";
import { fillTemplate, type LoadedTask, type Question, type RowFault } from "../question.ts";
import { longBenchTask, longBenchTasks } from "../metrics/longbench.ts";
import { readTable } from "../data/rows.ts";
import type { Release } from "../data/release.ts";
import { openCompassPrompt } from "./opencompass_configs.ts";
import { faultOf, parseRow, readJsonFile } from "./row.ts";

const CODE = "the LongBench repository (folder LongBench/config)";
const DATA = "the data set THUDM/LongBench of the hub (data.zip)";

/** Names of all tasks; those of LongBench-E end with `_e`. */
export const longBenchNames: readonly string[] = Object.keys(longBenchTasks);

const text = z.string({ error: (issue) => `must be text, not ${JSON.stringify(issue.input) ?? "missing"}` });
const rowSchema = z.looseObject({
  input: text,
  context: text,
  answers: z.array(text, "must be a list of texts").check(z.minLength(1, "must have at least one answer")),
  length: z.number("must be a number"),
  all_classes: z.nullish(z.array(text, "must be a list of texts or null")),
  _id: z.optional(text),
});

/** How LongBench's prompts are made: as its own scripts do, or as OpenCompass does. */
export interface LongBenchOptions {
  /**
   * "opencompass": no chat template, an exact cut of the middle, no two line ends at the prompt's end; prompts and lengths of its
   * own configs where the folders hold them. Default "official".
   */
  readonly rules?: "official" | "opencompass";
}

/**
 * The questions of a task of LongBench or LongBench-E, from the release's own files: data/TASK.jsonl (or data.zip, or Parquet
 * files), config/dataset2prompt.json and config/dataset2maxlen.json.
 *
 * @throws {MissingFileError} naming the file that is missing and where it comes from.
 * @throws {RangeError} for a task that is none, or templates that lack it.
 *
 * @example
 * ```ts
 * import { loadLongBench, Release } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const write = (name: string, value: object) => Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(value));
 * await write("dataset2prompt.json", { hotpotqa: "{context}\nQuestion: {input}" });
 * await write("dataset2maxlen.json", { hotpotqa: 32 });
 * await write("hotpotqa.jsonl", { input: "Who?", context: "Ana went.", answers: ["Ana"], length: 2 });
 * const { questions: [question] } = await loadLongBench(await Release.open(folder), "hotpotqa");
 * await Deno.remove(folder, { recursive: true });
 * assertEquals([question.prompt, question.maxTokens], ["Ana went.\nQuestion: Who?", 32]);
 * ```
 */
export async function loadLongBench(
  release: Release,
  name: string,
  { rules = "official" }: LongBenchOptions = {},
): Promise<LoadedTask> {
  const { metric, chat } = longBenchTask(name);
  const plain = name.replace(/_e$/, "");
  const official = rules === "official";
  const config = official ? undefined : await openCompassPrompt(release, "longbench", plain);
  const template = config?.template ?? await fieldOf(release, "dataset2prompt.json", plain, z.string());
  const maxTokens = config?.maxTokens ??
    await fieldOf(release, "dataset2maxlen.json", plain, z.int().check(z.minimum(1)));
  const questions: Question[] = [];
  const faults: RowFault[] = [];
  for await (const row of readTable(release, { name, origin: DATA })) {
    try {
      const { input, context, answers, length, all_classes } = parseRow(rowSchema, row);
      if (metric === "classification" && !all_classes) throw new RangeError("all_classes must be the list of classes");
      const filled = fillTemplate(template, { input, context });
      questions.push({
        benchmark: "longbench",
        task: name,
        id: row.id,
        prompt: official ? filled : filled.replace(/\n\n$/, ""),
        tail: fillTemplate(template.split("{context}").at(-1)!, { input }),
        chat: official && chat,
        maxTokens,
        ...(plain === "samsum" && { oneLine: true }),
        shortening: { kind: "tokens", rule: official ? "longbench_middle" : "exact_middle" },
        references: answers,
        ...(all_classes && { allClasses: all_classes }),
        about: { length },
      });
    } catch (error) {
      faults.push(faultOf(row, error));
    }
  }
  return { task: name, questions, faults };
}

async function fieldOf<T>(release: Release, file: string, task: string, schema: z.ZodMiniType<T>): Promise<T> {
  const path = release.need(CODE, `config/${file}`, file);
  const fields = await readJsonFile(path, z.record(z.string(), z.unknown()));
  const parsed = schema.safeParse(fields[task]);
  if (parsed.success) return parsed.data;
  throw new RangeError(`${path}: ${task} ${task in fields ? parsed.error.issues[0].message : "is missing"}`);
}

/**
 * LongBench's limits of a prompt by model, in tokens; empty where config/model2maxlen.json is not there.
 *
 * @example
 * ```ts
 * import { longBenchLimits, Release } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const empty = await longBenchLimits(await Release.open(folder));
 * await Deno.mkdir(`${folder}/config`);
 * await Deno.writeTextFile(`${folder}/config/model2maxlen.json`, '{ "a-model": 31500 }');
 * const limits = await longBenchLimits(await Release.open(folder));
 * await Deno.remove(folder, { recursive: true });
 * assertEquals([empty, limits], [{}, { "a-model": 31500 }]);
 * ```
 */
export async function longBenchLimits(release: Release): Promise<Readonly<Record<string, number>>> {
  const [path] = release.find("config/model2maxlen.json");
  return path === undefined ? {} : await readJsonFile(path, z.record(z.string(), z.int().check(z.minimum(1))));
}
