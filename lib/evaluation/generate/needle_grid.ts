import { drawFacts, mostNeedles } from "../needle/facts.ts";
import type { Prose, TextTokenizer } from "../needle/prose.ts";
import { askNeedle } from "../needle/question.ts";
import { needleSentence } from "../needle/wordings.ts";
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
  /** Default "gkamradt". */
  readonly protocol?: NeedleProtocol;
  /** Tokens kept for the question and its answer. Default 200; with facts of this toolkit 64. */
  readonly reserve?: number;
  /** What is hidden. Default: facts such as `The secret code of Zena is 482 913.`, which the embedded model knows. */
  readonly needles?: readonly GridNeedle[];
  /** Most tokens of an answer. Default 50. */
  readonly maxTokens?: number;
  /** The same seed gives the same grid. */
  readonly seed: number;
}

/** Facts of this toolkit as needles: the prompt ends with the answer's opening words. */
function factNeedles(count: number, tokenizer: TextTokenizer, random: Random): GridNeedle[] {
  return drawFacts("plain", count, random).facts.map((fact) => {
    const { prompt, answer } = askNeedle(fact);
    const maxTokens = tokenizer.encode(` ${answer}`, { addSpecialTokens: false }).length;
    return { needle: needleSentence(fact), keyword: answer, question: prompt, maxTokens };
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

function contextOf(
  options: NeedleGridOptions,
  length: number,
  depths: readonly number[],
  repeat: number,
  cell: number,
) {
  const { tokenizer, prose, seed, repeats = 1, needles, protocol = "gkamradt" } = options;
  const random = new Random(seed, length, repeat, cell);
  const drawn = drawNeedles(options, depths.length, random);
  const wrap = (text: string) => protocol === "needlebench" ? `\n${text}\n` : ` ${text}`;
  const hidden = drawn.map(({ needle }) => tokenizer.encode(wrap(needle), { addSpecialTokens: false }));
  const reserve = options.reserve ?? (needles ? 200 : 64);
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

/**
 * Questions of a needle grid: a sentence hidden at each depth of contexts of each length, asked for afterwards. Scored as
 * NeedleBench does; the answer has to hold the keyword.
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
  const { lengths, depths, repeats = 1, together = false, protocol = "gkamradt", maxTokens = 50 } = options;
  const wrong = depths.find((depth) => !(depth >= 0 && depth <= 1));
  if (wrong !== undefined || depths.length === 0) throw new RangeError(`depths must be from 0 to 1, not ${wrong}`);
  if (together && !options.needles && depths.length > mostNeedles("plain")) {
    throw new RangeError(`there are facts for ${mostNeedles("plain")} depths of one context, not ${depths.length}`);
  }
  const questions: Question[] = [];
  for (const length of lengths) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const cells = together ? [depths] : depths.map((depth) => [depth]);
      for (const [cell, inside] of cells.entries()) {
        const { tokens, drawn, starts, sizes } = contextOf(options, length, inside, repeat, cell);
        const key = `${length}.${repeat}.${cell}`;
        for (const [index, { needle, keyword, question, maxTokens: own }] of drawn.entries()) {
          const place = { start: starts[index], end: starts[index] + sizes[index] };
          questions.push({
            benchmark: "needlebench",
            task: `single_${protocol}`,
            id: `${key}.${index}`,
            prompt: question,
            tail: question,
            context: { key, tokens },
            chat: false,
            maxTokens: own ?? maxTokens,
            shortening: { kind: "none" },
            references: [needle],
            about: {
              context_length: length,
              depth_percent: 100 * inside[index],
              needle,
              gold: `${needle}*${keyword}`,
              needle_tokens: [place.start, place.end],
              repeat,
            },
            hidden: [place],
          });
        }
      }
    }
  }
  return { task: `single_${protocol}`, questions, faults: [] };
}
