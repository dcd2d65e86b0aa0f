import * as z from "../zod.ts";

/** One question and what the model said. */
export interface NeedleAnswer {
  /** Number of the haystack, from 0. */
  haystack: number;
  /** The needle's name. */
  name: string;
  /** Where the needle starts in the context: its first token over the context's tokens, from 0 to 1. */
  depth: number;
  /** The right answer. */
  expected: string;
  /** What the model answered. */
  answer: string;
  /** Whether the two are the same. */
  correct: boolean;
}

/** What one method did at one length: a row of the demo's table. */
export interface DemoRow {
  /** Name of the attention method. */
  method: string;
  /** Tokens of a context together with one question and its answer. */
  length: number;
  /** Contexts read. */
  haystacks: number;
  /** Questions asked about all of them together. */
  questions: number;
  /** Share of the answers that are exactly right, from 0 to 1. */
  exact: number;
  /** Lower end of the 95 % interval of `exact`. */
  low: number;
  /** Upper end of the 95 % interval of `exact`. */
  high: number;
  /** Most tokens that any head attended to in any step, as measured. */
  scope: number;
  /** Time for all contexts and questions; rows of one reading share it. */
  seconds: number;
  /** Tokens of the contexts over the time that reading them took. */
  tokensPerSecond: number;
  /** Most bytes of GPU buffers in use at once: weights, cache and work space. */
  peakBytes: number;
  /** Needles in each context. */
  needlesPerContext: number;
  /** What is hidden: "plain" or a harder variant. */
  variant: string;
  /** How questions are worded. */
  wording: string;
  /** Whether prompts end with the answer's opening words. */
  opening: boolean;
  /** Seed of the contexts. */
  seed: number;
  /** Whether the knobs let the scope pass the model's trained context. */
  allowBeyondTrained: boolean;
  /** Every question with its answer. */
  answers: NeedleAnswer[];
}

const whole = (least: number) => z.int().check(z.minimum(least));
const share = z.number().check(z.minimum(0), z.maximum(1));

const answerSchema: z.ZodMiniType<NeedleAnswer> = z.object({
  haystack: whole(0),
  name: z.string().check(z.minLength(1)),
  depth: share,
  expected: z.string(),
  answer: z.string(),
  correct: z.boolean(),
});

/** Checks a row read from a file or about to be written: the fields, and that its figures agree with its answers. */
export const demoRowSchema: z.ZodMiniType<DemoRow> = z.object({
  method: z.string().check(z.minLength(1)),
  length: whole(1),
  haystacks: whole(1),
  questions: whole(1),
  exact: share,
  low: share,
  high: share,
  scope: whole(0),
  seconds: z.number().check(z.minimum(0)),
  tokensPerSecond: z.number().check(z.minimum(0)),
  peakBytes: whole(0),
  needlesPerContext: whole(1),
  variant: z.string().check(z.minLength(1)),
  wording: z.string().check(z.minLength(1)),
  opening: z.boolean(),
  seed: whole(0),
  allowBeyondTrained: z.boolean(),
  answers: z.array(answerSchema),
}).check(({ value: row, issues }) => {
  const wrong = (path: string, message: string) => issues.push({ code: "custom", input: row, path: [path], message });
  const correct = row.answers.filter((answer) => answer.correct).length;
  if (row.answers.length !== row.questions) {
    wrong("questions", `${row.questions} questions, but ${row.answers.length} answers`);
  } else if (row.exact !== correct / row.questions) {
    wrong("exact", `${row.exact} must be ${correct} of ${row.questions}`);
  }
  if (row.low > row.exact || row.high < row.exact) {
    wrong("low", `the interval ${row.low} to ${row.high} must hold ${row.exact}`);
  }
});

/**
 * Checks a row that comes from outside, such as a file.
 *
 * @throws {RangeError} naming each field that is wrong.
 *
 * @example
 * ```ts
 * import { parseDemoRow } from "@reattention/toolkit/evaluation";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => parseDemoRow({ method: "full", length: -1 }), RangeError, "length");
 * ```
 */
export function parseDemoRow(value: unknown): DemoRow {
  const parsed = demoRowSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "the row"}: ${message}`);
  throw new RangeError(`row of measurements: ${problems.join("; ")}`);
}
