import { z } from "zod";
import {
  type Knobs,
  type MethodName,
  methodNames,
  presets,
  resolveKnobs,
  scorings,
} from "../../../lib/attention/mod.ts";

/** What the page asks for: everything that a link has to say so that the case is replayed, one's own text excepted. */
export interface ExplorerCase {
  /** Whose text is read. */
  readonly text: "novels" | "own";
  /** What is asked for: one of the needles hidden in the text, a sentence of one's own, or what stands in the text anyway. */
  readonly needle: "hidden" | "mine" | "there";
  /** Tokens of the context together with the question and its answer. */
  readonly length: number;
  /** Seed of hidden names, numbers and places. */
  readonly seed: number;
  /** The attention method. */
  readonly method: MethodName;
  /** Which of the hidden needles is asked for, from 0. */
  readonly ask: number;
  /** The sentence to hide. */
  readonly sentence: string;
  /** The question about it. */
  readonly question: string;
  /** What the answer has to hold; empty: the sentence's words that the question lacks. */
  readonly answer: string;
  /** What differs from the model's preset. */
  readonly knobs: Partial<Knobs>;
}

/** Needles that are hidden in a text. */
export const NEEDLES = 4;

/** Knobs of the page that are whole numbers. */
export const numberKnobs = ["globalSize", "window", "k", "spanSize", "recallClip", "chunkSize", "recallEvery"] as const;

/** Knobs of the page that are one of a few words. */
export const choiceKnobs = {
  positions: ["compact", "original"],
  scoring: scorings,
  share: ["layer", "kvHead"],
} as const;

/** What each knob of the page does, for who reads the form. */
export const knobMeanings: Readonly<Record<typeof numberKnobs[number] | keyof typeof choiceKnobs, string>> = {
  globalSize: "leading tokens, always attended to",
  window: "last tokens, always attended to",
  k: "tokens that each query and head votes for",
  spanSize: "tokens taken around each picked one",
  recallClip: "most picked tokens; -1 keeps all",
  chunkSize: "tokens read in a step",
  recallEvery: "steps of the answer from one selection to the next",
  positions: "attended tokens renumbered without holes, or as they stand",
  scoring: "what tokens are scored by",
  share: "who shares a selection: all heads, or those of a KV head",
};

/** Methods that can be picked; the oracle has to be told its spans. */
export const pageMethods: readonly MethodName[] = methodNames.filter((name) => name !== "oracle");

const MOST_WORDS = 500;
const whole = (name: string, least: number, most: number) =>
  z.string().transform((text, context) => {
    const number = /^\d+$/.test(text) ? Number(text) : NaN;
    if (number >= least && number <= most) return number;
    context.addIssue({ code: "custom", message: `${name} "${text}" must be a whole number from ${least} to ${most}` });
    return z.NEVER;
  });
const one = <const T extends readonly string[]>(name: string, values: T) =>
  z.enum(values as unknown as [T[number], ...T[number][]], {
    error: ({ input }) => `${name} "${input}" is none; there are ${values.join(", ")}`,
  });
const words = (name: string) =>
  z.string().max(MOST_WORDS, `${name} must have at most ${MOST_WORDS} characters`).default("");

const schema = z.strictObject({
  text: one("text", ["novels", "own"]).default("novels"),
  needle: one("needle", ["hidden", "mine", "there"]).default("hidden"),
  length: whole("length", 256, 2 ** 20).default(2048),
  seed: whole("seed", 0, 2 ** 32 - 1).default(1),
  method: one("method", pageMethods).default("reattention-window"),
  ask: whole("ask", 0, NEEDLES - 1).default(1),
  sentence: words("sentence"),
  question: words("question"),
  answer: words("answer"),
}, {
  error: (issue) =>
    issue.code === "unrecognized_keys" ? `there is no setting named ${issue.keys.join(", ")}` : undefined,
});

/** A link that says something that can't be: the message names it. */
export class CaseError extends Error {
  /** The error's name. */
  override readonly name = "CaseError";
}

/**
 * Reads settings: those of a link's part after "#", or of the form.
 *
 * @throws {CaseError} naming what is wrong and what would be right.
 */
export function readCase(settings: URLSearchParams): ExplorerCase {
  const rest: Record<string, string> = {};
  const knobs: Record<string, string | number> = {};
  for (const [name, value] of settings) {
    if (numberKnobs.includes(name as typeof numberKnobs[number])) {
      knobs[name] = value.trim() === "" ? NaN : Number(value);
    } else if (name in choiceKnobs) knobs[name] = value;
    else rest[name] = value;
  }
  const parsed = schema.safeParse(rest);
  if (!parsed.success) throw new CaseError(parsed.error.issues.map(({ message }) => message).join("\n"));
  return { ...parsed.data, knobs: checkedKnobs(knobs) };
}

/** The part of a link after "#" that stands for a case; what is usual is left out. */
export function writeCase(asked: ExplorerCase): string {
  const { knobs, ...settings } = asked;
  const usual: Record<string, unknown> = schema.parse({});
  const told = Object.entries({ ...settings, ...knobs }).filter(([name, value]) => {
    return ["length", "seed", "method"].includes(name) || value !== usual[name];
  });
  return new URLSearchParams(told.map(([name, value]) => [name, String(value)])).toString();
}

/** Only what differs from the preset, checked together with the rest of it. */
function checkedKnobs(knobs: Record<string, unknown>): Partial<Knobs> {
  try {
    resolveKnobs(knobs as Partial<Knobs>, presets.demo);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CaseError(error.message);
  }
  const usual = presets.demo as unknown as Record<string, unknown>;
  return Object.fromEntries(Object.entries(knobs).filter(([name, value]) => usual[name] !== value));
}
