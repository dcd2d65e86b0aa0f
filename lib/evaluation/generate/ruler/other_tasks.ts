import type { Random } from "../../random.ts";
import { digits, distinctValues, shuffled } from "../digits.ts";
import { noiseBlock } from "../noise.ts";
import { fillTemplate } from "../../question.ts";
import type { RulerSample, SampleMaker, SampleSource } from "./sample.ts";

const CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const HOPS = 4;
/** Below so many tokens the examples and counts are smaller. */
const SHORT = 4096;

function letters(random: Random, alphabet: string, count: number): string {
  return Array.from({ length: count }, () => alphabet[random.below(alphabet.length)]).join("");
}

/** One chain among noise: the first variable gets a number, each further one the variable before. */
function chain(size: number, hops: number, random: Random) {
  const names = distinctValues(hops + 1, () => letters(random, CAPITALS, 5));
  const value = digits(random, 5);
  const settings = names.map((name, index) => `VAR ${name} = ${index === 0 ? value : `VAR ${names[index - 1]}`}`);
  const lines = Array.from({ length: size }, () => noiseBlock);
  const places = Array.from({ length: settings.length }, () => random.below(size + 1)).sort((a, b) => a - b);
  for (let index = settings.length - 1; index >= 0; index--) lines.splice(places[index], 0, settings[index]);
  return { names, value, settings, context: lines.join("\n") };
}

/** Variable tracking: one chain of four hops, with a small solved chain in front. */
export function variableTrackingMaker({ wording, length }: SampleSource): SampleMaker {
  const { template, answerPrefix } = wording.templates.variable_tracking;
  const make = (size: number, random: Random): RulerSample => {
    const example = chain(5, HOPS, random);
    const asked = chain(size, HOPS, random);
    const values = { query: example.value, num_v: String(HOPS + 1) };
    const solved = fillTemplate(template + answerPrefix, { ...values, context: example.context }) +
      example.names.join(" ");
    return {
      // The example stands before the whole prompt, which the context begins.
      context: asked.context,
      values: { query: asked.value, num_v: String(HOPS + 1), example: `${solved}\n\n` },
      outputs: asked.names,
      pieces: asked.settings,
    };
  };
  return { kind: "variable_tracking", step: length < SHORT ? 1 : 10, make };
}

function numbered(words: readonly string[]): string {
  return words.map((word, index) => `${index + 1}. ${word}`).join(" ");
}

/** Ten words many times each, others a few times. */
function wordList(vocabulary: readonly string[], size: number, counts: readonly [number, number], random: Random) {
  const drawn = random.distinct(Math.min(size, vocabulary.length), vocabulary.length).map((index) => vocabulary[index]);
  const [common, others] = [drawn.slice(0, 10), drawn.slice(10)];
  const repeat = (list: readonly string[], times: number) => list.flatMap((word) => Array<string>(times).fill(word));
  return { common, list: numbered(shuffled([...repeat(common, counts[0]), ...repeat(others, counts[1])], random)) };
}

/** Common words: ten words come 30 times, others 3 times; with a small solved list in front. */
export function commonWordsMaker({ wording, length, vocabulary }: SampleSource): SampleMaker {
  const { template, answerPrefix } = wording.templates.common_words_extraction;
  const short = length < SHORT;
  const make = (size: number, random: Random): RulerSample => {
    const example = wordList(vocabulary, short ? 20 : 40, short ? [3, 1] : [10, 3], random);
    const asked = wordList(vocabulary, size + 10, short ? [6, 1] : [30, 3], random);
    const solved = fillTemplate(template + answerPrefix, { context: example.list }) + ` ${numbered(example.common)}`;
    return { context: asked.list, values: { query: "", example: `${solved}\n` }, outputs: asked.common, pieces: [] };
  };
  return { kind: "common_words_extraction", step: short ? 5 : 10, largest: vocabulary.length - 10, make };
}

const ZETA_2 = Math.PI ** 2 / 6;

/** Frequent words: made-up words whose counts fall with the square of the rank; the most frequent is dots. */
export function frequentWordsMaker({ length }: SampleSource): SampleMaker {
  const make = (size: number, random: Random): RulerSample => {
    const count = Math.max(10, Math.floor(length / 50));
    const vocabulary = distinctValues(count, () => letters(random, CAPITALS.toLowerCase(), 6));
    const words = vocabulary.flatMap((word, index) => {
      const times = Math.floor(size / ((index + 1) ** 2 * ZETA_2));
      return Array<string>(times).fill(index === 0 ? "..." : word);
    });
    const text = shuffled(words, random).join(" ");
    return { context: text, values: { query: "" }, outputs: vocabulary.slice(1, 4), pieces: [] };
  };
  return { kind: "freq_words_extraction", step: Math.max(24, Math.floor(length / 32)), make };
}
