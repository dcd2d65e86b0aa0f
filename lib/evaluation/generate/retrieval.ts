import type { TextTokenizer } from "../needle/prose.ts";
import { fillTemplate, type HiddenPlace, type LoadedTask, type Question } from "../question.ts";
import { Random } from "../random.ts";
import { digits, distinctValues, uuid } from "./digits.ts";
import { fitSize } from "./fit_size.ts";
import { locateTokens } from "./locate.ts";
import { noiseBlock } from "./noise.ts";

/** InfiniteBench's synthetic retrieval tasks, by their official names. */
export const retrievalTasks = ["passkey", "number_string", "kv_retrieval"] as const;

/** One of them. */
export type RetrievalTask = typeof retrievalTasks[number];

/** How retrieval questions are made. */
export interface RetrievalOptions {
  /** Whose tokens are counted. */
  readonly tokenizer: TextTokenizer;
  /** Tokens of prompt and answer together. */
  readonly length: number;
  /** Questions; their depths are spread evenly from 0 to 1. */
  readonly count: number;
  /** The same seed gives the same questions. */
  readonly seed: number;
  /** Templates with `{context}` and `{input}` by task, such as InfiniteBench's own. Default: this toolkit's. */
  readonly templates?: Readonly<Record<string, string>>;
  /** Most tokens of an answer. Default: InfiniteBench's. */
  readonly maxTokens?: number;
}

/** What a task hides and asks. */
interface Wording {
  /** The default template. */
  readonly template: string;
  /** The question. */
  readonly input: (key: string) => string;
  /** Most tokens of an answer. */
  readonly maxTokens: number;
}

const wordings: Readonly<Record<RetrievalTask, Wording>> = {
  passkey: {
    template: "One sentence below names a pass key. {context} Question: {input} Answer: The pass key is",
    input: () => "What is the pass key?",
    maxTokens: 6,
  },
  number_string: {
    template:
      "One sentence below names a sequence of digits. {context} Question: {input} Answer: The sequence of digits is",
    input: () => "What is the sequence of digits?",
    maxTokens: 12,
  },
  kv_retrieval: {
    template: "Find the value of a key in this JSON object.\n\n{context}\n\n{input}",
    input: (key) => `Key: "${key}"\nThe value of this key:`,
    maxTokens: 50,
  },
};

/** A context with what is asked of it. */
interface Hidden {
  readonly context: string;
  /** What holds the answer, as it stands in the context. */
  readonly piece: string;
  readonly key: string;
  readonly answer: string;
}

/** A number among noise: `size` blocks, the sentence at a share of them. */
function hideNumber(task: RetrievalTask, size: number, depth: number, random: Random): Hidden {
  const answer = task === "passkey" ? digits(random, 5) : digits(random, 10);
  const name = task === "passkey" ? "pass key" : "sequence of digits";
  const piece = `The ${name} is ${answer}. Remember it: ${answer} is the ${name}.`;
  const blocks = Array.from({ length: size }, () => noiseBlock);
  blocks.splice(Math.round(size * depth), 0, piece);
  return { context: blocks.join(" "), piece, key: "", answer };
}

/** A JSON object of `size` pairs of identifiers. */
function hidePair(size: number, depth: number, random: Random): Hidden {
  const values = distinctValues(2 * size, () => uuid(random));
  const asked = Math.min(size - 1, Math.floor(size * depth));
  const pairs = Array.from({ length: size }, (_, index) => `"${values[2 * index]}": "${values[2 * index + 1]}"`);
  const [key, answer] = [values[2 * asked], values[2 * asked + 1]];
  return { context: `JSON data:\n{${pairs.join(", ")}}`, piece: pairs[asked], key, answer };
}

/**
 * Retrieval questions as InfiniteBench makes them, at any length: a pass key of five digits or a number of ten among noise,
 * or the value of one key among many. The wording is this toolkit's unless templates are given.
 *
 * @throws {RangeError} for a length that the smallest question passes.
 *
 * @example
 * ```ts
 * import { Device, loadModel } from "@reattention/toolkit";
 * import { makeRetrieval } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const { tokenizer } = model;
 * const { questions } = makeRetrieval("passkey", { tokenizer, length: 400, count: 3, seed: 1 });
 * const [{ prompt, references, hidden }] = questions;
 * const { start, end } = hidden![0];
 * const tokens = tokenizer.encode(prompt).slice(start, end);
 * assertEquals(tokenizer.decode(tokens).includes(String(references[0])), true);
 * ```
 */
export function makeRetrieval(task: RetrievalTask, options: RetrievalOptions): LoadedTask {
  const { tokenizer, length, count, seed, templates } = options;
  const wording = wordings[task];
  const maxTokens = options.maxTokens ?? wording.maxTokens;
  const template = templates?.[task] ?? wording.template;
  const make = (size: number, index: number) => {
    const depth = count === 1 ? 0.5 : index / (count - 1);
    const random = new Random(seed, length, retrievalTasks.indexOf(task), index);
    const hidden = task === "kv_retrieval" ? hidePair(size, depth, random) : hideNumber(task, size, depth, random);
    const input = wording.input(hidden.key);
    const values = { context: hidden.context, input, key: `"${hidden.key}"` };
    const sample = { ...hidden, depth, prompt: fillTemplate(template, values), input };
    return { sample, tokens: tokenizer.encode(sample.prompt).length };
  };
  const most = length - maxTokens;
  // Samples of one size differ by a few tokens: each goes on a step shorter where it does not fit.
  const { size } = fitSize((size) => make(size, 0), most, 1);
  const questions = Array.from({ length: count }, (_, index): Question => {
    let tried = size;
    let made = make(tried, index);
    while (made.tokens > most && tried > 1) made = make(--tried, index);
    const { sample, tokens } = made;
    return {
      benchmark: "infinitebench",
      task,
      id: `${length}.${index}`,
      prompt: sample.prompt,
      tail: fillTemplate(template.split("{context}").at(-1)!, { input: sample.input, key: `"${sample.key}"` }),
      chat: false,
      maxTokens,
      shortening: { kind: "none" },
      references: [sample.answer],
      about: { id: index, context_length: length, depth_percent: 100 * sample.depth, prompt_tokens: tokens },
      hidden: [placeOf(tokenizer, sample.prompt, sample.piece)],
    };
  });
  return { task, questions, faults: [] };
}

function placeOf(tokenizer: TextTokenizer, prompt: string, piece: string): HiddenPlace {
  return locateTokens(tokenizer, tokenizer.encode(prompt), prompt, prompt.indexOf(piece), piece);
}
