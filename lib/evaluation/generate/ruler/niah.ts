import { heldOutNames, heldOutNumbers } from "../../needle/held_out.ts";
import { fillTemplate } from "../../question.ts";
import type { Random } from "../../random.ts";
import { digits, distinctValues, shuffled, uuid } from "../digits.ts";
import { noiseBlock } from "../noise.ts";
import type { RulerSample, SampleMaker, SampleSource } from "./sample.ts";
import { keyCount, keyOf } from "./words.ts";

/** A needle task of RULER. */
export interface NiahSetting {
  /** What surrounds the needles. */
  readonly haystack: "noise" | "essay" | "needle";
  /** What keys are. */
  readonly keys: "words" | "uuids";
  /** What values are. */
  readonly values: "numbers" | "uuids";
  /** Keys that needles have. */
  readonly keyCount: number;
  /** Values of each key. */
  readonly valueCount: number;
  /** Keys that are asked for. */
  readonly queryCount: number;
}

const single: NiahSetting = {
  haystack: "noise",
  keys: "words",
  values: "numbers",
  keyCount: 1,
  valueCount: 1,
  queryCount: 1,
};

/** RULER's eight needle tasks. */
export const niahTasks: Readonly<Record<string, NiahSetting>> = {
  niah_single_1: single,
  niah_single_2: { ...single, haystack: "essay" },
  niah_single_3: { ...single, haystack: "essay", values: "uuids" },
  niah_multikey_1: { ...single, haystack: "essay", keyCount: 4 },
  niah_multikey_2: { ...single, haystack: "needle" },
  niah_multikey_3: { ...single, haystack: "needle", keys: "uuids", values: "uuids" },
  niah_multivalue: { ...single, haystack: "essay", valueCount: 4 },
  niah_multiquery: { ...single, haystack: "essay", keyCount: 4, queryCount: 4 },
};

/** Depths of needles among essays: 40 even steps of 0 to 100. */
const DEPTHS = Array.from({ length: 40 }, (_, index) => Math.round(index * 100 / 39));

interface Pair {
  readonly key: string;
  readonly value: string;
  readonly text: string;
}

/** Draws keys and values that were not drawn before; facts take the names and numbers of this toolkit's needles. */
class PairSource {
  readonly #used = new Set<string>();
  readonly #setting: NiahSetting;
  readonly #source: SampleSource;
  readonly #random: Random;

  constructor(setting: NiahSetting, source: SampleSource, random: Random) {
    this.#setting = setting;
    this.#source = source;
    this.#random = random;
  }

  keys(count: number): string[] {
    const random = this.#random;
    const facts = this.#source.wording.name === "facts";
    return distinctValues(count, () => {
      if (this.#setting.keys === "uuids") return uuid(random);
      if (!facts) return keyOf(random.below(keyCount));
      // One name where they last; then two, of which there are tens of thousands.
      const name = random.pick(heldOutNames);
      return this.#setting.haystack === "needle" ? `${name} ${random.pick(heldOutNames)}` : name;
    }, this.#used);
  }

  pairs(key: string, count: number): Pair[] {
    const random = this.#random;
    const { wording } = this.#source;
    const facts = wording.name === "facts";
    const values = distinctValues(count, () => {
      if (this.#setting.values === "uuids") return uuid(random);
      return facts ? `${random.pick(heldOutNumbers)} ${random.pick(heldOutNumbers)}` : digits(random, 7);
    });
    return values.map((value) => {
      return { key, value, text: fillTemplate(wording.needle, { type_needle_v: this.#setting.values, key, value }) };
    });
  }
}

function listed(keys: readonly string[]): string {
  return keys.length > 1 ? `${keys.slice(0, -1).join(", ")}, and ${keys.at(-1)}` : keys[0];
}

/** Lines or sentences with the needles among them. */
function hide(
  setting: NiahSetting,
  source: SampleSource,
  size: number,
  random: Random,
  pairs: PairSource,
  needles: Pair[],
) {
  if (setting.haystack === "essay") return hideInEssay(source, size, random, needles);
  const lines = setting.haystack === "noise"
    ? Array.from({ length: size }, () => noiseBlock)
    : pairs.keys(size).flatMap((key) => pairs.pairs(key, 1)).map(({ text }) => text);
  const places = random.distinct(Math.min(needles.length, size + 1), size + 1).sort((a, b) => b - a);
  for (const [index, { text }] of needles.entries()) lines.splice(places[index % places.length], 0, text);
  return lines.join("\n");
}

function hideInEssay({ essays }: SampleSource, size: number, random: Random, needles: readonly Pair[]): string {
  const text = Array.from({ length: size }, (_, index) => essays[index % essays.length]).join(" ");
  const sentences = text.match(/[^.!?]+[.!?]+["')]*|[^.!?]+$/g)?.map((sentence) => sentence.trim()) ?? [text];
  const depths = random.distinct(needles.length, DEPTHS.length).map((index) => DEPTHS[index]).sort((a, b) => a - b);
  const parts: string[] = [];
  let done = 0;
  for (const [index, depth] of depths.entries()) {
    const place = Math.floor(sentences.length * depth / 100);
    parts.push(...sentences.slice(done, place), needles[index].text);
    done = place;
  }
  return [...parts, ...sentences.slice(done)].join(" ");
}

/** Makes samples of a needle task. */
export function niahMaker(setting: NiahSetting, source: SampleSource): SampleMaker {
  const make = (size: number, random: Random): RulerSample => {
    const pairs = new PairSource(setting, source, random);
    const needles = pairs.keys(setting.keyCount).map((key) => pairs.pairs(key, setting.valueCount));
    const context = hide(setting, source, size, random, pairs, shuffled(needles.flat(), random));
    const asked = random.distinct(setting.queryCount, needles.length).map((index) => needles[index]);
    const single = setting.queryCount * setting.valueCount === 1;
    return {
      context,
      values: {
        query: listed(asked.map(([{ key }]) => key)),
        type_needle_v: setting.values,
        type_needle_s: setting.values.slice(0, -1),
      },
      outputs: asked.flat().map(({ value }) => value),
      pieces: asked.flat().map(({ text }) => text),
      singular: single,
    };
  };
  const step = setting.haystack === "essay" ? (source.length < 4096 ? 20 : 500) : source.length < 4096 ? 1 : 25;
  return { kind: "niah", step, make };
}
