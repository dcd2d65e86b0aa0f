import { drawFacts, mostNeedles } from "../needle/facts.ts";
import type { Prose, TextTokenizer } from "../needle/prose.ts";
import { askNeedle } from "../needle/question.ts";
import { needleSentence, questionSentence } from "../needle/wordings.ts";
import type { LoadedTask, Question } from "../question.ts";
import { Random } from "../random.ts";

/** Something to hide and how to ask for it. */
export interface GridNeedle {
  /** The sentence. */
  readonly needle: string;
  /** What a right answer holds. */
  readonly keyword: string;
  /** What the model continues after the context. */
  readonly question: string;
  /** The question alone, for those that ask for several needles. Default: `question`, trimmed. */
  readonly asked?: string;
  /** Most tokens of an answer; undefined: the grid's. */
  readonly maxTokens?: number;
}

/** Where needles go: "gkamradt" behind the sentence before, "needlebench" anywhere, on a line of their own. */
export type NeedleProtocol = "gkamradt" | "needlebench";

/** A grid of lengths and depths. */
export interface NeedleGridOptions {
  /** Whose tokens are counted. */
  readonly tokenizer: TextTokenizer;
  /** The text to hide in. */
  readonly prose: Prose;
  /** Tokens of context, question and answer together. */
  readonly lengths: readonly number[];
  /** Where needles go, from 0 to 1; 1 appends. */
  readonly depths: readonly number[];
  /** Contexts for each length; with `together: false`, for each cell. Default 1. */
  readonly repeats?: number;
  /** Hides the needles of all depths in one context, each asked by itself. Default false: a context for each cell. */
  readonly together?: boolean;
  /**
   * Needles of a cell, all asked for at once: the first at the cell's depth, the others evenly from there to the end, as
   * gkamradt's multi-needle test has them. Scored by the share of keywords that the answer holds. Default 1.
   */
  readonly perQuestion?: number;
  /** Default "gkamradt". */
  readonly protocol?: NeedleProtocol;
  /** Tokens kept for the question and its answer. Default 200, or 600 for several; with facts of this toolkit 64 for each. */
  readonly reserve?: number;
  /** What is hidden. Default: facts such as `The secret code of Zena is 482 913.`, which the embedded model knows. */
  readonly needles?: readonly GridNeedle[];
  /** Most tokens of an answer. Default 50; for several needles at once 250, as NeedleBench has it. */
  readonly maxTokens?: number;
  /** The same seed gives the same grid. */
  readonly seed: number;
}

/** Facts of this toolkit as needles: the prompt ends with the answer's opening words. */
function factNeedles(count: number, tokenizer: TextTokenizer, random: Random): GridNeedle[] {
  return drawFacts("plain", count, random).facts.map((fact) => {
    const { prompt, answer } = askNeedle(fact);
    const maxTokens = tokenizer.encode(` ${answer}`, { addSpecialTokens: false }).length;
    const asked = questionSentence(fact, "plain", 0);
    return { needle: needleSentence(fact), keyword: answer, question: prompt, asked, maxTokens };
  });
}

/** Draws as many of the given needles as wanted, or makes facts. */
function drawNeedles(options: NeedleGridOptions, count: number, random: Random): GridNeedle[] {
  const { needles, tokenizer } = options;
  if (!needles) return factNeedles(count, tokenizer, random);
  if (needles.length < count) {
    throw new RangeError(
      `there are ${needles.length} needles for ${count} places of one context: give more, or hide each alone`,
    );
  }
  return random.distinct(count, needles.length).map((index) => needles[index]);
}

/** A place of the haystack for a depth: by the protocol moved back to where a sentence has ended. */
function placeFor(hay: readonly number[], depth: number, { protocol, tokenizer }: NeedleGridOptions): number {
  if (depth >= 1) return hay.length;
  let place = Math.floor(hay.length * depth);
  if (protocol === "needlebench") return place;
  const ends = (token: number) => /[.!?。！？]["'”’)]*\s*$/.test(tokenizer.decode([token]));
  while (place > 0 && !ends(hay[place - 1])) place--;
  return place;
}

/** Tokens for question and answer, where nothing is said: NeedleBench's 600 where several of its needles are asked for. */
function reserveOf({ needles, perQuestion = 1 }: NeedleGridOptions): number {
  if (!needles) return 64 * perQuestion;
  return perQuestion === 1 ? 200 : 600;
}

function contextOf(
  options: NeedleGridOptions,
  length: number,
  depths: readonly number[],
  repeat: number,
  cell: number,
) {
  const { tokenizer, prose, seed, repeats = 1, protocol = "gkamradt" } = options;
  const random = new Random(seed, length, repeat, cell);
  const drawn = drawNeedles(options, depths.length, random);
  const wrap = (text: string) => protocol === "needlebench" ? `\n${text}\n` : ` ${text}`;
  const hidden = drawn.map(({ needle }) => tokenizer.encode(wrap(needle), { addSpecialTokens: false }));
  const reserve = options.reserve ?? reserveOf(options);
  const opening = tokenizer.encode("");
  const room = length - reserve - opening.length - hidden.reduce((sum, { length }) => sum + length, 0);
  if (room < depths.length) {
    throw new RangeError(
      `length ${length}: ${room} tokens are left for the text beside ${depths.length} needles and ${reserve} for the question`,
    );
  }
  const hay = prose.stretch(Math.floor(prose.tokens.length * repeat / repeats), room);
  const places = depths.map((depth) => placeFor(hay, depth, { ...options, protocol }));
  const order = depths.map((_, index) => index).sort((a, b) => places[a] - places[b] || a - b);
  let tokens: number[] = [...opening];
  const starts: number[] = [];
  let done = 0;
  for (const index of order) {
    tokens = tokens.concat(hay.slice(done, places[index]));
    done = places[index];
    starts[index] = tokens.length;
    tokens = tokens.concat(hidden[index]);
  }
  tokens = tokens.concat(hay.slice(done));
  return { tokens, drawn, starts, sizes: hidden.map(({ length }) => length) };
}

/** Depths of a cell's needles: the first one's, and evenly from there to the end. */
function depthsOf(depth: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => depth + index * (1 - depth) / count);
}

/** What is asked in a context: each needle by itself, or all of them at once. */
interface Asked {
  readonly prompt: string;
  readonly needles: readonly number[];
  readonly maxTokens: number;
}

function questionsOf(drawn: readonly GridNeedle[], options: NeedleGridOptions): Asked[] {
  const { perQuestion = 1, needles, tokenizer, maxTokens } = options;
  if (perQuestion === 1) {
    return drawn.map(({ question, maxTokens: own }, index) => {
      return { prompt: question, needles: [index], maxTokens: own ?? maxTokens ?? 50 };
    });
  }
  const all = drawn.map(({ asked, question }) => asked ?? question.trim());
  const prompt = needles ? `\n\n${all.join("\n")}\n` : ` Question: ${all.join(" ")} Answer:`;
  // Facts are answered by their own sentences.
  const sentences = drawn.map(({ needle }) => ` ${needle}`).join("");
  const long = needles ? 250 : tokenizer.encode(sentences, { addSpecialTokens: false }).length;
  return [{ prompt, needles: drawn.map((_, index) => index), maxTokens: maxTokens ?? long }];
}

/**
 * Questions of a needle grid: a sentence hidden at each depth of contexts of each length, asked for afterwards; or several at
 * once. Scored as NeedleBench does; the answer has to hold the keyword.
 *
 * @throws {RangeError} for depths outside 0 to 1, or a length too short for its needles.
 *
 * @example
 * ```ts
 * import { Device, loadModel } from "@reattention/toolkit";
 * import { makeNeedleGrid, Prose, readBook } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const { tokenizer } = model;
 * const prose = new Prose(tokenizer, await readBook("emma"));
 * const { questions } = makeNeedleGrid({ tokenizer, prose, lengths: [512], depths: [0, 0.5, 1], seed: 1 });
 * const [{ context, hidden, references }] = questions;
 * const { start, end } = hidden![0];
 * assertEquals(tokenizer.decode(context!.tokens.slice(start, end)).trim(), references[0]);
 * ```
 */
export function makeNeedleGrid(options: NeedleGridOptions): LoadedTask {
  const { lengths, repeats = 1, protocol = "gkamradt", perQuestion = 1 } = options;
  checkGrid(options);
  const task = `${perQuestion === 1 ? "single" : "multi"}_${protocol}`;
  const questions: Question[] = [];
  for (const length of lengths) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const [cell, inside] of cellsOf(options).entries()) {
        const key = `${length}.${repeat}.${cell}`;
        questions.push(...cellQuestions(options, task, key, contextOf(options, length, inside, repeat, cell), {
          context_length: length,
          repeat,
          depths: inside,
        }));
      }
    }
  }
  return { task, questions, faults: [] };
}

function checkGrid({ depths, together = false, perQuestion = 1, needles }: NeedleGridOptions): void {
  const wrong = depths.find((depth) => !(depth >= 0 && depth <= 1));
  if (wrong !== undefined || depths.length === 0) throw new RangeError(`depths must be from 0 to 1, not ${wrong}`);
  if (!Number.isInteger(perQuestion) || perQuestion < 1) {
    throw new RangeError(`perQuestion ${perQuestion} must be a whole number of at least 1`);
  }
  if (together && perQuestion > 1) {
    throw new RangeError("needles of all depths in one context are asked one by one, not several at once");
  }
  const inOne = together ? depths.length : perQuestion;
  if (!needles && inOne > mostNeedles("plain")) {
    throw new RangeError(`there are facts for ${mostNeedles("plain")} needles of one context, not ${inOne}`);
  }
}

/** The depths of the needles of each context. */
function cellsOf({ depths, together = false, perQuestion = 1 }: NeedleGridOptions): (readonly number[])[] {
  return together ? [depths] : depths.map((depth) => depthsOf(depth, perQuestion));
}

/** A context's questions, each with where its needles stand. */
function cellQuestions(
  options: NeedleGridOptions,
  task: string,
  key: string,
  { tokens, drawn, starts, sizes }: ReturnType<typeof contextOf>,
  { depths, ...about }: { context_length: number; repeat: number; depths: readonly number[] },
): Question[] {
  return questionsOf(drawn, options).map(({ prompt, needles, maxTokens }, index): Question => {
    const hidden = needles.map((needle) => ({ start: starts[needle], end: starts[needle] + sizes[needle] }));
    const golds = needles.map((needle) => `${drawn[needle].needle}*${drawn[needle].keyword}`);
    const texts = needles.map((needle) => drawn[needle].needle);
    const places = hidden.map(({ start, end }) => [start, end]);
    const alone = needles.length === 1;
    return {
      benchmark: "needlebench",
      task,
      id: `${key}.${index}`,
      prompt,
      tail: prompt,
      context: { key, tokens },
      chat: false,
      maxTokens,
      shortening: { kind: "none" },
      references: texts,
      about: {
        context_length: about.context_length,
        depth_percent: 100 * depths[needles[0]],
        needle: alone ? texts[0] : texts,
        gold: alone ? golds[0] : golds,
        needle_tokens: alone ? places[0] : places,
        repeat: about.repeat,
      },
      hidden,
    };
  });
}
