import * as z from "../../../zod.ts";
import { readText } from "../../../platform.ts";
import { pythonLiteral } from "../../data/python_literals.ts";
import type { Release } from "../../data/release.ts";

/** How one kind of task is worded. */
export interface RulerTemplate {
  /** With `{context}` and what is asked. */
  readonly template: string;
  /** What the answer is to start with. */
  readonly answerPrefix: string;
  /** Most tokens of the answer. */
  readonly maxTokens: number;
}

/** The kinds of RULER's tasks. */
export type RulerKind = "niah" | "variable_tracking" | "common_words_extraction" | "freq_words_extraction" | "qa";

/** How RULER's tasks are worded. */
export interface RulerWording {
  /** Whose wording it is. */
  readonly name: "official" | "own" | "facts";
  /** By kind of task. */
  readonly templates: Readonly<Record<RulerKind, RulerTemplate>>;
  /** The sentence that is hidden, with `{type_needle_v}`, `{key}` and `{value}`. */
  readonly needle: string;
  /** Turns a template for several values into one for a single value. */
  readonly singular: (template: string) => string;
}

const niah = {
  template:
    "In the text below some secret {type_needle_v} are named. Keep them in mind: you will be asked for them.\n" +
    "{context}\nWhich secret {type_needle_v} does the text name for {query}?",
  answerPrefix: " The secret {type_needle_v} that the text names for {query} are",
  maxTokens: 128,
};

/** This toolkit's own wording, of the same form. */
export const ownRulerWording: RulerWording = {
  name: "own",
  needle: "One of the secret {type_needle_v} for {key} is: {value}.",
  singular: (template) =>
    template.replaceAll("{type_needle_v} are", "{type_needle_s} is").replaceAll("{type_needle_v}", "{type_needle_s}")
      .replaceAll("some secret", "a secret").replace(
        "Keep them in mind: you will be asked for them",
        "Keep it in mind: you will be asked for it",
      )
      .replace("for {query} are", "for {query} is"),
  templates: {
    niah,
    variable_tracking: {
      template: "Variables are set in the text below, some from others. Keep track of them.\n\n{context}\n" +
        "Question: Which variables hold the value {query} at the end of the text?",
      answerPrefix: " Answer: By the text, these {num_v} variables hold the value {query}: ",
      maxTokens: 30,
    },
    common_words_extraction: {
      template: "Below is a numbered list of words. Some of them come more often than others.\n{context}\n" +
        "Question: Which 10 words come most often in the list?",
      answerPrefix: " Answer: The 10 words that come most often are:",
      maxTokens: 120,
    },
    freq_words_extraction: {
      template: "Count the made-up words in the text below. {context}\n" +
        "Question: Leaving the dots out, which three words come most often? Give the words alone.",
      answerPrefix: " Answer: The three words that come most often are:",
      maxTokens: 50,
    },
    qa: {
      template: "Answer the question by the documents below, in a few words.\n\n{context}\n\nQuestion: {query}",
      answerPrefix: " Answer:",
      maxTokens: 32,
    },
  },
};

/** The wording of this toolkit's needles, which the embedded model was trained for; needle tasks only. */
export const factsRulerWording: RulerWording = {
  ...ownRulerWording,
  name: "facts",
  needle: "The secret code of {key} is {value}.",
  singular: (template) => template,
  templates: {
    ...ownRulerWording.templates,
    niah: {
      template: "{context} Question: What is the secret code of {query}?",
      answerPrefix: " Answer: The secret code of {query} is",
      maxTokens: 16,
    },
  },
};

const templateSchema = z.looseObject({
  template: z.string(),
  answer_prefix: z.string(),
  tokens_to_generate: z.int().check(z.minimum(1)),
});

/** The changes by which RULER's own generator turns its template to a single value. */
function officialSingular(template: string): string {
  return template.replaceAll("Some", "A").replaceAll("are all", "is").replaceAll("are", "is")
    .replaceAll("answers", "answer").replaceAll("{type_needle_v}", "{type_needle_s}");
}

/**
 * RULER's own wording, from its scripts: scripts/data/synthetic/constants.py and niah.py.
 *
 * @throws {MissingFileError} where constants.py is not there.
 * @throws {RangeError} where it looks otherwise than expected.
 *
 * @example
 * ```ts
 * import { officialRulerWording, Release, ownRulerWording } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const told = { template: "{context} {query}", answer_prefix: " Answer:", tokens_to_generate: 128 };
 * const tasks = Object.fromEntries(Object.keys(ownRulerWording.templates).map((kind) => [kind, told]));
 * await Deno.mkdir(`${folder}/synthetic`);
 * await Deno.writeTextFile(`${folder}/synthetic/constants.py`, `TASKS = ${JSON.stringify(tasks)}\n`);
 * const { name, templates } = await officialRulerWording(await Release.open(folder));
 * await Deno.remove(folder, { recursive: true });
 * assertEquals(name, "official");
 * assertEquals(templates.niah, { template: "{context} {query}", answerPrefix: " Answer:", maxTokens: 128 });
 * ```
 */
export async function officialRulerWording(release: Release): Promise<RulerWording> {
  const path = release.need("the RULER repository", "scripts/data/synthetic/constants.py", "synthetic/constants.py");
  const tasks = pythonLiteral(await readText(path), "TASKS", path);
  const parsed = z.record(z.string(), templateSchema).safeParse(tasks);
  if (!parsed.success) {
    const { path: field, message } = parsed.error.issues[0];
    throw new RangeError(`${path}: TASKS ${field.join(".")}: ${message}`);
  }
  const kinds = Object.keys(ownRulerWording.templates) as RulerKind[];
  const templates = Object.fromEntries(kinds.map((kind) => {
    const found = parsed.data[kind];
    if (!found) throw new RangeError(`${path}: TASKS has no ${kind}`);
    const { template, answer_prefix: answerPrefix, tokens_to_generate: maxTokens } = found;
    return [kind, { template, answerPrefix, maxTokens }];
  })) as Record<RulerKind, RulerTemplate>;
  const [script] = release.find("scripts/data/synthetic/niah.py", "synthetic/niah.py");
  const needle = script === undefined
    ? ownRulerWording.needle
    : pythonLiteral(await readText(script), "needle", script);
  if (typeof needle !== "string") throw new RangeError(`${script}: needle must be a text`);
  return { name: "official", templates, needle, singular: officialSingular };
}
