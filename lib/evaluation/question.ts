import type { Reference } from "./metrics/float_number.ts";
import type { TruncationRule } from "./metrics/truncation.ts";
import type { PredictedBenchmark } from "./predictions/official_layouts.ts";

/** Where something that was hidden stands in the tokens of a prompt. */
export interface HiddenPlace {
  /** First token. */
  readonly start: number;
  /** One past the last token. */
  readonly end: number;
}

/** How a question that is too long is made to fit. */
export type Shortening =
  /** Tokens of the filled prompt are cut by a rule. */
  | { readonly kind: "tokens"; readonly rule: TruncationRule }
  /** Words of the document are left out at its right or left end until it is short enough (L-Eval). */
  | { readonly kind: "words"; readonly document: string; readonly side: "right" | "left" }
  /** It was made to fit. */
  | { readonly kind: "none" };

/** One question of a benchmark: what a model is given, and what is right. */
export interface Question {
  /** Whose rules hold. */
  readonly benchmark: PredictedBenchmark;
  /** The task's official name. */
  readonly task: string;
  /** Its name in the task; never twice. */
  readonly id: string;
  /** The filled prompt; with a context, what follows on it. */
  readonly prompt: string;
  /** What of the prompt comes after the document: the question itself. */
  readonly tail: string;
  /** Tokens that are read before the prompt; questions of one key share the reading. */
  readonly context?: { readonly key: string; readonly tokens: readonly number[] };
  /** Whether a chat model gets it through its template. */
  readonly chat: boolean;
  /** What the answer is to start with, after a chat model's header: RULER's answer prefix. */
  readonly answerPrefix?: string;
  /** Most tokens of the answer. */
  readonly maxTokens: number;
  /** Ends the answer at a line's end, after at least one token (samsum). */
  readonly oneLine?: boolean;
  /** How it is made to fit. */
  readonly shortening: Shortening;
  /** What is right. */
  readonly references: readonly Reference[];
  /** LongBench's classes. */
  readonly allClasses?: readonly string[];
  /** What official prediction files say besides: LongBench's length, L-Eval's query, needles' length and depth. */
  readonly about: Readonly<Record<string, unknown>>;
  /** Where what is asked for stands, in tokens of the prompt, where it was hidden here. */
  readonly hidden?: readonly HiddenPlace[];
  /** A further question whose answer belongs to the same row (sci_fi: as a fact). */
  readonly second?: string;
}

/** A row of a data file that could not be used. */
export interface RowFault {
  /** The file, and inside an archive the member after a colon. */
  readonly file: string;
  /** Number of the line, or in Parquet files of the row, from 1. */
  readonly line: number;
  /** What is wrong with it. */
  readonly message: string;
}

/** A task's questions, and the rows that gave none. */
export interface LoadedTask {
  /** The task's official name. */
  readonly task: string;
  /** In the file's order. */
  readonly questions: readonly Question[];
  /** Rows that could not be used. */
  readonly faults: readonly RowFault[];
}

/**
 * Fills a template: each known `{name}` is replaced, in one pass, so that braces and dollar signs in the values stay as they
 * are.
 *
 * @throws {RangeError} for a name of letters that has no value, naming both.
 *
 * @example
 * ```ts
 * import { fillTemplate } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(fillTemplate("{context}\n{input}", { context: "{input} $&", input: "?" }), "{input} $&\n?");
 * ```
 */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{([A-Za-z_]\w*)\}/g, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value !== undefined) return value;
    throw new RangeError(`the template asks for {${name}}; known here are ${Object.keys(values).join(", ")}`);
  });
}
