import * as z from "../../zod.ts";
import { readText } from "../../platform.ts";
import type { Release } from "../data/release.ts";
import { readTable } from "../data/rows.ts";
import { levalClosedTasks } from "../metrics/leval.ts";
import { words as wordsOf } from "../metrics/python_text.ts";
import { fillTemplate, type LoadedTask, type Question, type RowFault } from "../question.ts";
import { levalMessage, type LEvalPrompts, levalPrompts } from "./leval_prompts.ts";
import { openCompassPrompt } from "./opencompass_configs.ts";
import { faultOf, parseRow } from "./row.ts";

const CODE = "the LEval repository";
const DATA = "the LEval repository (LEval-data), or the data set L4NLP/LEval of the hub";
const MAX_NEW_TOKENS = 512;

/** L-Eval's open-ended tasks. */
export const levalOpenTasks: readonly string[] = [
  ...["financial_qa", "gov_report_summ", "legal_contract_qa", "meeting_summ", "multidoc_qa", "narrative_qa"],
  ...[
    "natural_question",
    "news_summ",
    "paper_assistant",
    "patent_summ",
    "review_summ",
    "scientific_qa",
    "tv_show_summ",
  ],
];

/** Names of all tasks. */
export const levalNames: readonly string[] = [...Object.keys(levalClosedTasks), ...levalOpenTasks];

/** New tokens of OpenCompass's runs, where they differ from L-Eval's 512. */
const OPENCOMPASS_LENGTHS: Readonly<Record<string, number>> = {
  tpo: 10,
  quality: 10,
  coursera: 10,
  topic_retrieval_longchat: 30,
  narrative_qa: 50,
  natural_question: 50,
  multidoc_qa: 64,
  scientific_qa: 64,
  legal_contract_qa: 128,
};

const text = z.string({ error: (issue) => `must be text, not ${JSON.stringify(issue.input) ?? "missing"}` });
const texts = z.array(text, "must be a list of texts").check(z.minLength(1, "must not be empty"));
const rowSchema = z.looseObject({ input: text, instructions: texts, outputs: texts, evaluation: text })
  .check(z.refine(({ instructions, outputs }) => instructions.length === outputs.length, {
    error: "instructions and outputs must be as many",
  }));

/** How L-Eval's prompts are made. */
export interface LEvalOptions {
  /**
   * "official": lengths of the official scripts, and words left out at the document's end. "opencompass": its lengths, its
   * prompts where the folders hold its configs, and the middle of the prompt's tokens cut, as the ReAttention paper's runs
   * did. Default "official".
   */
  readonly rules?: "official" | "opencompass";
  /**
   * "official": from the release's scripts, an error where they are missing. "plain": document, instruction and "Answer:", in
   * this toolkit's own layout; scores so made are not comparable with published ones. Default "official".
   */
  readonly prompts?: "official" | "plain";
}

/** The official prompts, from the release's own scripts. */
async function promptsOf(release: Release): Promise<LEvalPrompts> {
  const config = release.need(CODE, "Baselines/LEval_config.py", "LEval_config.py");
  const script = release.need(CODE, "Baselines/llama2-chat-test.py", "llama2-chat-test.py");
  try {
    return levalPrompts(await readText(config), await readText(script));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`${config} and ${script}: ${error.message}`, { cause: error });
  }
}

/**
 * Whether a release holds the scripts with the official prompts.
 *
 * @example
 * ```ts
 * import { hasLEvalPrompts, Release } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const empty = await Release.open(folder);
 * for (const name of ["LEval_config.py", "llama2-chat-test.py"]) await Deno.writeTextFile(`${folder}/${name}`, "");
 * const whole = await Release.open(folder);
 * await Deno.remove(folder, { recursive: true });
 * assertEquals([hasLEvalPrompts(empty), hasLEvalPrompts(whole)], [false, true]);
 * ```
 */
export function hasLEvalPrompts(release: Release): boolean {
  return release.find("LEval_config.py").length > 0 && release.find("llama2-chat-test.py").length > 0;
}

/** The question whose answer sci_fi takes for a fact: by the release's wording, or plainly. */
function asFact(instruction: string, prompts: LEvalPrompts | undefined): string {
  const asked = prompts
    ? instruction.replace(...prompts.asFact)
    : `${instruction}\nNot by the document, but in the real world.`;
  return `${asked}\nAnswer:`;
}

/**
 * The questions of a task of L-Eval, from the release's own files. Rows that only people or models score are left out.
 *
 * @throws {MissingFileError} naming the file that is missing and where it comes from.
 * @throws {RangeError} for a task that is none, or scripts that look otherwise than expected.
 *
 * @example
 * ```ts
 * import { loadLEval, Release } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const row = { input: "It rained.", instructions: ["What did it do?"], outputs: ["Rain."], evaluation: "f1" };
 * await Deno.writeTextFile(`${folder}/narrative_qa.jsonl`, JSON.stringify(row));
 * const { questions } = await loadLEval(await Release.open(folder), "narrative_qa", { prompts: "plain" });
 * await Deno.remove(folder, { recursive: true });
 * assertEquals(questions.map(({ prompt }) => prompt), ["It rained.\n\nWhat did it do?\nAnswer:"]);
 * assertEquals(questions[0].references, ["Rain."]);
 * ```
 */
export async function loadLEval(
  release: Release,
  task: string,
  { rules = "official", prompts: kind = "official" }: LEvalOptions = {},
): Promise<LoadedTask> {
  if (!levalNames.includes(task)) throw new RangeError(`L-Eval has no task "${task}"; it has ${levalNames.join(", ")}`);
  const config = rules === "opencompass" ? await openCompassPrompt(release, "leval", task) : undefined;
  const prompts = kind === "official" && !config ? await promptsOf(release) : undefined;
  const maxTokens = rules === "official"
    ? MAX_NEW_TOKENS
    : config?.maxTokens ?? OPENCOMPASS_LENGTHS[task] ?? MAX_NEW_TOKENS;
  const isOpen = levalOpenTasks.includes(task);
  const questions: Question[] = [];
  const faults: RowFault[] = [];
  for await (const row of readTable(release, { name: task, origin: DATA })) {
    try {
      const { input: document, instructions, outputs, evaluation } = parseRow(rowSchema, row);
      if (!["exam", "f1", "rouge"].includes(evaluation)) continue;
      for (const [index, instruction] of instructions.entries()) {
        const words = wordsOf(outputs[index]).length;
        const prompt = config
          ? fillTemplate(config.template, { context: document, question: instruction, length: String(words) })
          : prompts
          ? levalMessage(prompts, task, { document, instruction, words, isOpen })
          : `${document}\n\n${instruction}\nAnswer:`;
        questions.push({
          benchmark: "leval",
          task,
          id: `${row.id}.${index + 1}`,
          prompt,
          tail: prompt.slice(prompt.indexOf(document) + document.length),
          chat: false,
          maxTokens,
          shortening: rules === "opencompass"
            ? { kind: "tokens", rule: "exact_middle" }
            : { kind: "words", document, side: task.toLowerCase().includes("code") ? "left" : "right" },
          references: [outputs[index]],
          about: { query: instruction, evaluation },
          ...(task === "sci_fi" && { second: asFact(instruction, prompts) }),
        });
      }
    } catch (error) {
      faults.push(faultOf(row, error));
    }
  }
  return { task, questions, faults };
}
