import * as z from "../../zod.ts";
import type { Schema } from "../../attention/mod.ts";
import { Random } from "../random.ts";
import type { SweepTask } from "../sweep/task.ts";
import { makeContext } from "./context.ts";
import { type NeedleVariant, needleVariants } from "./facts.ts";
import { askNeedle } from "./question.ts";
import type { Wording } from "./wordings.ts";

/** Options of the needle task in a sweep. */
export interface NeedleParameters {
  /** Needles in a context, all of them asked for. Default 4. */
  needles: number;
  /** Questions about each needle. Default 1. */
  questionsPerNeedle: number;
  /** What is hidden. Default "plain". */
  variant: NeedleVariant;
  /** How questions are worded. Default "plain". */
  wording: Wording;
  /** Whether prompts end with the answer's opening words. Default true. */
  opening: boolean;
  /** Whether answers are told while they are read as text, instead of being written. Default: they are written. */
  read?: boolean;
}

const wordings = ["plain", "reworded", "varied", "unseen"] as const;

const schema: Schema<NeedleParameters> = z.strictObject({
  needles: z._default(z.int().check(z.minimum(1)), 4).check(
    z.describe("Needles in a context, all of them asked for. Default 4."),
  ),
  questionsPerNeedle: z._default(z.int().check(z.minimum(1)), 1).check(
    z.describe("Questions about each needle. Default 1."),
  ),
  variant: z._default(z.enum(needleVariants as [NeedleVariant, ...NeedleVariant[]]), "plain").check(z.describe(
    'What is hidden: "plain", with look-alikes, or chains such as "Let A = 482 913." and elsewhere "Let B = A.". Default "plain".',
  )),
  wording: z._default(z.enum(wordings), "plain").check(z.describe('How questions are worded. Default "plain".')),
  opening: z._default(z.boolean(), true).check(
    z.describe("Whether prompts end with the answer's opening words. Default true."),
  ),
  // Without a default, so that trials of before it keep their names.
  read: z.optional(z.boolean()).check(z.describe(
    "Whether the model tells an answer's tokens while it reads question and answer as text, as likelihoods of given texts are measured: no step is one of generation. Default: the answer is written.",
  )),
});

/** Needles in a haystack, one haystack for each seed. An answer counts where it is exactly right. */
export const needleSweepTask: SweepTask<NeedleParameters> = {
  name: "needle",
  metric: "exact match",
  schema,
  // Among the values that stand in the context; chains ask for one of as many.
  chance: ({ needles }) => 1 / needles,
  async makeItem({ tokenizer, length, seed, parameters }) {
    const { needles: count, questionsPerNeedle, variant, wording, opening, read = false } = parameters;
    const random = new Random(seed, length);
    const { tokens, needles } = await makeContext({ tokenizer, length, needles: count, variant, random });
    const questions = Array.from({ length: count * questionsPerNeedle }, (_, index) => {
      const needle = needles[Math.floor(index / questionsPerNeedle)];
      const turn = seed * count * questionsPerNeedle + index;
      const { prompt, answer } = askNeedle(needle, { variant, wording, opening, turn });
      const maxTokens = tokenizer.encode(` ${answer}`, { addSpecialTokens: false }).length;
      const depth = needle.tokenIndex / tokens.length;
      return { prompt, expected: answer, maxTokens, name: needle.name, depth, ...(read && { read }) };
    });
    return { tokens, questions };
  },
  score: ({ expected }, answer) => answer.trim() === expected ? 1 : 0,
};
