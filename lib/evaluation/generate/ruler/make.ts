import type { TextTokenizer } from "../../needle/prose.ts";
import { fillTemplate, type LoadedTask, type Question } from "../../question.ts";
import { Random } from "../../random.ts";
import { fitSize } from "../fit_size.ts";
import { locateTokens } from "../locate.ts";
import { niahMaker, niahTasks } from "./niah.ts";
import { commonWordsMaker, frequentWordsMaker, variableTrackingMaker } from "./other_tasks.ts";
import { type QaData, qaMaker } from "./qa.ts";
import type { RulerSample, SampleMaker, SampleSource } from "./sample.ts";
import type { RulerKind, RulerWording } from "./wording.ts";

/** Names of RULER's 13 tasks. */
export const rulerTasks: readonly string[] = [...Object.keys(niahTasks), "vt", "cwe", "fwe", "qa_1", "qa_2"];

const KINDS: Readonly<Record<string, RulerKind>> = {
  vt: "variable_tracking",
  cwe: "common_words_extraction",
  fwe: "freq_words_extraction",
  qa_1: "qa",
  qa_2: "qa",
};

/**
 * Which wording one of RULER's tasks takes.
 *
 * @example
 * ```ts
 * import { rulerKind } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([rulerKind("vt"), rulerKind("qa_2"), rulerKind("niah_single_1")], ["variable_tracking", "qa", "niah"]);
 * ```
 */
export function rulerKind(task: string): RulerKind {
  return KINDS[task] ?? "niah";
}

/** How RULER's questions are made. */
export interface RulerOptions {
  /** Whose tokens are counted. */
  readonly tokenizer: TextTokenizer;
  /** Tokens of prompt and answer together. */
  readonly length: number;
  /** Questions. RULER has 500. */
  readonly count: number;
  /** The same seed gives the same questions. */
  readonly seed: number;
  /** How they are worded. */
  readonly wording: RulerWording;
  /** Text for haystacks of essays. */
  readonly essays: readonly string[];
  /** Distinct words for common-word lists. */
  readonly vocabulary: readonly string[];
  /** Data for qa_1 (SQuAD) and qa_2 (HotpotQA). */
  readonly qa?: Readonly<Record<string, QaData>>;
  /** Most tokens of an answer. Default: the wording's. */
  readonly maxTokens?: number;
  /** Tokens that a chat model's template adds. Default 0. */
  readonly templateTokens?: number;
}

function makerOf(task: string, options: RulerOptions, index: number): SampleMaker {
  const source: SampleSource = options;
  if (task in niahTasks) return niahMaker(niahTasks[task], source);
  switch (task) {
    case "vt":
      return variableTrackingMaker(source);
    case "cwe":
      return commonWordsMaker(source);
    case "fwe":
      return frequentWordsMaker(source);
  }
  const data = options.qa?.[task];
  if (data) return qaMaker(data, index);
  if (!rulerTasks.includes(task)) throw new RangeError(`RULER has no task "${task}"; it has ${rulerTasks.join(", ")}`);
  const file = task === "qa_1" ? "SQuAD 2.0 (dev-v2.0.json)" : "HotpotQA (hotpot_dev_distractor_v1.json)";
  throw new RangeError(`${task} needs your own file of ${file}`);
}

interface Rendered {
  readonly prompt: string;
  readonly answerPrefix: string;
  readonly tail: string;
}

function render(
  { wording }: RulerOptions,
  kind: SampleMaker["kind"],
  { context, values, singular }: RulerSample,
): Rendered {
  const found = wording.templates[kind];
  const shaped = (text: string) => singular ? wording.singular(text) : text;
  const { example = "", ...rest } = values;
  const template = shaped(found.template);
  return {
    prompt: example + fillTemplate(template, { ...rest, context }),
    answerPrefix: fillTemplate(shaped(found.answerPrefix), rest),
    tail: fillTemplate(template.split("{context}").at(-1)!, rest),
  };
}

/**
 * Questions of one of RULER's 13 tasks at any length in the model's own tokens. The haystack is the largest that fits with
 * the answer; a question that comes out too long is made again a step smaller.
 *
 * @param task its official name, such as "niah_multikey_1"
 * @throws {RangeError} for a task that is none, a length that the smallest question passes, or QA without its file.
 *
 * @example
 * ```ts
 * import { Device, loadModel } from "@reattention/toolkit";
 * import { commonVocabulary, essayWords, factsRulerWording, makeRuler } from "@reattention/toolkit/evaluation";
 * import { assert, assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const { tokenizer } = model;
 * const essays = essayWords("It rained all day, and nobody came. ".repeat(100));
 * const texts = { essays, vocabulary: await commonVocabulary() };
 * const options = { tokenizer, length: 512, count: 2, seed: 1, wording: factsRulerWording, ...texts };
 * const { questions } = makeRuler("niah_single_2", options);
 * assertEquals(questions.length, 2);
 * assert(questions.every(({ prompt, references }) => prompt.includes(String(references[0]))));
 * ```
 */
export function makeRuler(task: string, options: RulerOptions): LoadedTask {
  const { tokenizer, length, count, seed, wording, templateTokens = 0 } = options;
  const { kind, step, largest } = makerOf(task, options, 0);
  const maxTokens = options.maxTokens ?? wording.templates[kind].maxTokens;
  const most = length - maxTokens - templateTokens;
  const attempt = (size: number, index: number) => {
    const sample = makerOf(task, options, index).make(size, new Random(seed, length, rulerTasks.indexOf(task), index));
    const rendered = render(options, kind, sample);
    const tokens = tokenizer.encode(rendered.prompt + rendered.answerPrefix);
    return { sample: { sample, rendered, tokens }, tokens: tokens.length };
  };
  const { size } = fitSize((size) => attempt(size, 0), most, step, largest);
  const questions = Array.from({ length: count }, (_, index): Question => {
    let tried = size;
    let made = attempt(tried, index);
    while (made.tokens > most && tried > step) made = attempt(tried -= step, index);
    if (made.tokens > most) {
      throw new RangeError(
        `${task}: question ${index} takes ${made.tokens} tokens at least, but ${most} are left for it`,
      );
    }
    const { sample, rendered, tokens } = made.sample;
    const whole = rendered.prompt + rendered.answerPrefix;
    const after = rendered.prompt.length - rendered.tail.length - sample.context.length;
    return {
      benchmark: "ruler",
      task,
      id: `${length}.${index}`,
      ...rendered,
      chat: true,
      maxTokens,
      shortening: { kind: "none" },
      references: sample.outputs,
      about: { index, length: made.tokens + maxTokens },
      hidden: sample.pieces.map((piece) => {
        return locateTokens(tokenizer, tokens, whole, whole.indexOf(piece, Math.max(0, after)), piece);
      }),
    };
  });
  return { task, questions, faults: [] };
}
