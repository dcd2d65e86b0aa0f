import * as z from "../../../zod.ts";
import { readText } from "../../../platform.ts";
import type { Random } from "../../random.ts";
import { shuffled } from "../digits.ts";
import type { RulerSample, SampleMaker } from "./sample.ts";

/** A question with the documents that answer it. */
export interface QaItem {
  /** The question. */
  readonly question: string;
  /** What is right; any of them. */
  readonly answers: readonly string[];
  /** Numbers of the documents that hold the answer. */
  readonly gold: readonly number[];
}

/** Questions and documents of a data set. */
export interface QaData {
  /** The questions. */
  readonly items: readonly QaItem[];
  /** All documents, each once. */
  readonly documents: readonly string[];
}

const squad = z.looseObject({
  data: z.array(z.looseObject({
    paragraphs: z.array(z.looseObject({
      context: z.string(),
      qas: z.array(z.looseObject({
        question: z.string(),
        is_impossible: z.optional(z.boolean()),
        answers: z.array(z.looseObject({ text: z.string() })),
      })),
    })),
  })),
});
const hotpot = z.array(z.looseObject({
  question: z.string(),
  answer: z.string(),
  context: z.array(z.tuple([z.string(), z.array(z.string())])),
}));

/** Numbers documents in the order in which they first come. */
class Documents {
  readonly list: string[] = [];
  readonly #numbers = new Map<string, number>();

  number(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.list.length);
    return this.list.push(text) - 1;
  }
}

/**
 * Reads a user's SQuAD 2.0 file (dev-v2.0.json; answerable questions only) or HotpotQA file (hotpot_dev_distractor_v1.json).
 *
 * @throws {RangeError} for a file that is neither, or has no question.
 *
 * @example
 * ```ts
 * import { readQaData } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile({ suffix: ".json" });
 * const row = { question: "What did Ann hide?", answer: "a key", context: [["Ann", ["Ann hid ", "a key."]]] };
 * await Deno.writeTextFile(path, JSON.stringify([row]));
 * const { items, documents } = await readQaData(path);
 * await Deno.remove(path);
 * assertEquals(items, [{ question: "What did Ann hide?", answers: ["a key"], gold: [0] }]);
 * assertEquals(documents, ["Ann\nAnn hid a key."]);
 * ```
 */
export async function readQaData(path: string): Promise<QaData> {
  let value: unknown;
  try {
    value = JSON.parse(await readText(path));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new RangeError(`${path} is not JSON: ${error.message}`, { cause: error });
  }
  const documents = new Documents();
  const items: QaItem[] = [];
  const asSquad = squad.safeParse(value);
  const asHotpot = hotpot.safeParse(value);
  if (asSquad.success) {
    for (const { context, qas } of asSquad.data.data.flatMap(({ paragraphs }) => paragraphs)) {
      const gold = [documents.number(context)];
      for (const { question, answers, is_impossible } of qas) {
        if (is_impossible || answers.length === 0) continue;
        items.push({ question, answers: [...new Set(answers.map(({ text }) => text))], gold });
      }
    }
  } else if (asHotpot.success) {
    for (const { question, answer, context } of asHotpot.data) {
      const gold = context.map(([title, sentences]) => documents.number(`${title}\n${sentences.join("")}`));
      items.push({ question, answers: [answer], gold });
    }
  } else {
    throw new RangeError(`${path} is neither a SQuAD 2.0 nor a HotpotQA file`);
  }
  if (items.length === 0) throw new RangeError(`${path} holds no question with an answer`);
  return { items, documents: documents.list };
}

/** QA: the documents with the answer among random others, shuffled and numbered. */
export function qaMaker({ items, documents }: QaData, index: number): SampleMaker {
  const { question, answers, gold } = items[index % items.length];
  const make = (size: number, random: Random): RulerSample => {
    const known = new Set(gold);
    const others = random.distinct(documents.length, documents.length).filter((number) => !known.has(number));
    const all = shuffled([...gold, ...others.slice(0, Math.max(0, size - gold.length))], random);
    const context = all.map((number, place) => `Document ${place + 1}:\n${documents[number]}`).join("\n\n");
    return {
      context,
      values: { query: question },
      outputs: answers,
      pieces: gold.map((number) => documents[number]),
    };
  };
  return { kind: "qa", step: 1, largest: documents.length, make };
}
