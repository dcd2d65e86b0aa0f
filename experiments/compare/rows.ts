import { z } from "zod";
import { parseKept } from "../command/kept_rows.ts";

/** A measured row: one method at one length, asked for one kind of needle. */
export interface CompareRow {
  /** What the table calls the method. */
  method: string;
  /** Inside the trained window at an eighth of it, or beyond it. */
  regime: "inside" | "beyond";
  /** Tokens of a context with question and answer. */
  length: number;
  /** What is hidden. */
  variant: string;
  /** Whether the row chose the knobs ("tuning") or is what came of it ("reported"). */
  part: "tuning" | "reported";
  /** Which of the method's settings, from 0. */
  trial: number;
  /** What differs from the demo's knobs. */
  knobs: Record<string, unknown>;
  /** Seed of the contexts. */
  seed: number;
  /** Contexts of the figure. */
  haystacks: number;
  /** Right answers about each context so far; a row with fewer than `haystacks` is taken up again. */
  correct: number[];
  /** Needles in each context. */
  needles: number;
  /** Questions asked. */
  questions: number;
  /** Share answered exactly right. */
  exact: number;
  /** Lower end of its 95 % interval, clustered by context. */
  low: number;
  /** Upper end. */
  high: number;
  /** Most bytes in use at once. */
  peakBytes: number;
  /** Tokens that a head attends to in a decode step, on average; null in tuning. */
  attended: number | null;
  /** Bytes that must stay for later steps. */
  residentBytes: number | null;
  /** Bytes that a decode step reads, scoring included. */
  readBytes: number | null;
  /** Seconds for a token of an answer. */
  secondsPerToken: number | null;
  /** Perplexity of prose at that length; null for retrieval and in tuning. */
  perplexity: number | null;
  /** The machine and its adapter, in words. */
  machine: string;
  /** The day, as 2026-01-31. */
  date: string;
}

const number = z.number();
const measured = number.nullable();
const schema: z.ZodType<CompareRow[]> = z.array(z.strictObject({
  method: z.string(),
  regime: z.enum(["inside", "beyond"]),
  length: number,
  variant: z.string(),
  part: z.enum(["tuning", "reported"]),
  trial: number,
  knobs: z.record(z.string(), z.unknown()),
  seed: number,
  haystacks: number,
  correct: z.array(number),
  needles: number,
  questions: number,
  exact: number,
  low: number,
  high: number,
  peakBytes: number,
  attended: measured,
  residentBytes: measured,
  readBytes: measured,
  secondsPerToken: measured,
  perplexity: measured,
  machine: z.string(),
  date: z.string(),
}));

/**
 * Reads rows that were written before.
 *
 * @throws {Error} naming the file, the row and what is wrong with it.
 */
export function parseRows(file: string, text: string): CompareRow[] {
  return parseKept(schema, { file, text, what: "compare" });
}

/** Whether all contexts of a row were read. */
export function isWhole({ correct, haystacks }: Pick<CompareRow, "correct" | "haystacks">): boolean {
  return correct.length === haystacks;
}

/** What tells rows apart. */
export function keyOf({ method, regime, length, variant, part, trial, seed, haystacks, needles, knobs }: Omit<
  CompareRow,
  "machine" | "date" | "correct" | "questions" | "exact" | "low" | "high" | "peakBytes" | keyof CostFields
>): string {
  return JSON.stringify([
    method,
    regime,
    length,
    variant,
    part,
    part === "tuning" ? trial : 0,
    seed,
    haystacks,
    needles,
    part === "tuning" && knobs,
  ]);
}

/** The figures of a row that tuning leaves out. */
export type CostFields = Pick<
  CompareRow,
  "attended" | "residentBytes" | "readBytes" | "secondsPerToken" | "perplexity"
>;
