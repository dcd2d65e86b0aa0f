import * as z from "../../zod.ts";
import type { Schema } from "../../attention/mod.ts";
import type { Trial } from "./trial.ts";

/** Version of the record's fields. */
export const RECORD_VERSION = 2;

/** One question of a trial and what was answered. */
export interface QuestionOutcome {
  /** What was asked for. */
  name: string;
  /** Where it stands in the context, from 0 to 1; null where it stands nowhere. */
  depth: number | null;
  /** The right answer. */
  expected: string;
  /** What was answered. */
  answer: string;
  /** How good that is, from 0 to 1. */
  score: number;
}

/** What a trial was measured on. */
export interface Environment {
  /** The adapter's name. */
  adapter: string;
  /** Whether it is a software one. */
  software: boolean;
  /** The processor. */
  cpu: string;
  /** The operating system. */
  os: string;
  /** Version of Deno. */
  deno: string;
  /** Version of this toolkit. */
  toolkit: string;
  /** Commit of the toolkit's repository, with "+" where files differ from it; null outside of one. */
  commit: string | null;
}

/** What a trial came to. */
export interface TrialResult {
  /** What the score is called. */
  metric: string;
  /** Mean of the questions' scores. */
  score: number;
  /** Every question with its answer. */
  questions: QuestionOutcome[];
  /** Tokens of the context. */
  tokens: number;
  /** Seconds to read the context; trials that share a reading have the same. */
  readSeconds: number;
  /** Whether another trial had read the context already. */
  shared: boolean;
  /** Seconds to answer all questions. */
  answerSeconds: number;
  /** Tokens of the context over the seconds that reading took. */
  tokensPerSecond: number;
  /** Most bytes of GPU buffers in use at once: weights, cache, work space. */
  peakBytes: number;
  /** Most tokens that any head attended to in a step. */
  scope: number;
}

/** A trial with its result or its error: what is kept, written out, and merged from many machines. */
export interface TrialRecord {
  /** Version of the record's fields. */
  version: number;
  /** The trial. */
  trial: Trial;
  /** What the model is, whatever it is called: see `modelFingerprint`. Null in records of before version 2. */
  modelFingerprint: string | null;
  /** Whether it came to a result. */
  status: "done" | "failed";
  /** What it came to; null where it failed. */
  result: TrialResult | null;
  /** Why it failed; null where it didn't. */
  error: string | null;
  /** When it ended, ISO 8601. */
  endedAt: string;
  /** What it ran on. */
  environment: Environment;
}

const number = z.number().check(z.minimum(0));
const scalar = z.union([z.number(), z.string(), z.boolean()]);
const scalars = z.record(z.string(), scalar);

const trialSchema = z.object({
  id: z.string().check(z.regex(/^[0-9a-f]{16}$/)),
  setting: z.string().check(z.regex(/^[0-9a-f]{16}$/)),
  axes: scalars,
  model: z.string(),
  task: z.string(),
  parameters: scalars,
  method: z.string(),
  length: z.int(),
  seed: z.int(),
  knobs: z.record(z.string(), z.any()),
});

/** Records of version 1 had no fingerprint of the model. */
function upToDate(value: unknown): unknown {
  const first = typeof value === "object" && value !== null && (value as { version?: unknown }).version === 1;
  return first ? { modelFingerprint: null, ...value, version: RECORD_VERSION } : value;
}

/** Checks a record read from a file, and brings one of an earlier version up to date. */
export const trialRecordSchema: Schema<TrialRecord> = z.pipe(
  z.transform(upToDate),
  z.object({
    version: z.literal(
      RECORD_VERSION,
      `must be 1 or ${RECORD_VERSION}, the versions of records that this toolkit reads`,
    ),
    trial: trialSchema,
    modelFingerprint: z.nullable(z.string()),
    status: z.enum(["done", "failed"]),
    result: z.nullable(z.object({
      metric: z.string(),
      score: z.number(),
      questions: z.array(z.object({
        name: z.string(),
        depth: z.nullable(z.number()),
        expected: z.string(),
        answer: z.string(),
        score: z.number(),
      })),
      tokens: number,
      readSeconds: number,
      shared: z.boolean(),
      answerSeconds: number,
      tokensPerSecond: number,
      peakBytes: number,
      scope: number,
    })),
    error: z.nullable(z.string()),
    endedAt: z.string(),
    environment: z.object({
      adapter: z.string(),
      software: z.boolean(),
      cpu: z.string(),
      os: z.string(),
      deno: z.string(),
      toolkit: z.string(),
      commit: z.nullable(z.string()),
    }),
  }),
) as unknown as Schema<TrialRecord>;

/**
 * Checks a trial that comes from outside, such as a line of a file.
 *
 * @throws {RangeError} naming each field that is wrong.
 */
export function parseTrial(value: unknown): Trial {
  const parsed = trialSchema.safeParse(value);
  if (parsed.success) return parsed.data as unknown as Trial;
  throw new RangeError(`trial: ${wrongFields(parsed.error)}`);
}

/**
 * Checks a record that comes from outside, such as a line of a file.
 *
 * @throws {RangeError} naming each field that is wrong.
 *
 * @example
 * ```ts
 * import { parseTrialRecord } from "@reattention/toolkit/evaluation";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => parseTrialRecord({ version: 99 }), RangeError, "version: must be 1 or 2");
 * ```
 */
export function parseTrialRecord(value: unknown): TrialRecord {
  const parsed = trialRecordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RangeError(`trial record: ${wrongFields(parsed.error as z.core.$ZodError)}`);
}

function wrongFields({ issues }: z.core.$ZodError): string {
  return issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
}
