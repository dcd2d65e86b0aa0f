import { z } from "zod";
import { parseKept } from "../command/kept_rows.ts";

const number = z.number();
const measured = number.nullable();
const part = z.enum(["layer", "whole"]);

/** Which step is timed. */
export type StepKind = "prefill" | "decode";

/** A step of a part of a model, timed. */
const stepRow = z.strictObject({
  kind: z.literal("step"),
  /** The model's shape. */
  model: z.string(),
  /** One layer or all of them, the head included. */
  part,
  /** The method, as tables show it. */
  method: z.string(),
  step: z.enum(["prefill", "decode"]),
  /** Tokens cached before the step. */
  length: number,
  /** Tokens of the step. */
  rows: number,
  /** How keys and values are stored; rows of before 2026-11-25 don't say it: they were all f16. */
  storage: z.enum(["f16", "int8", "f32"]).optional(),
  /** Milliseconds of its kernels, by the GPU's timestamps; null where there are none. */
  gpuMilliseconds: measured,
  /** Milliseconds by the clock, steps one after another. */
  wallMilliseconds: number,
  /** Steps timed; 1: kernels and clock are of one step that took seconds. */
  repeats: number,
  /** Bytes that such a step can't do without: weights, keys to score, keys and values to attend to. */
  bytes: number,
  /** Floating-point operations of its products, a multiply-add counted as two. */
  flops: number,
  /** Those bytes over the time, as a share of what the adapter reads at best; null where a step is bound by arithmetic. */
  shareOfReading: measured,
  /** Most tokens that a head may attend to. */
  scope: number,
  /** Bytes of the cache. */
  cacheBytes: number,
  /** Most bytes of GPU buffers in use at once. */
  peakBytes: number,
});

/** A step that was left out, and why. */
const leftRow = z.strictObject({
  kind: z.literal("left out"),
  model: z.string(),
  part,
  method: z.string(),
  length: number,
  reason: z.string(),
});

/** What follows from measured steps for a whole run. */
const derivedRow = z.strictObject({
  kind: z.literal("derived"),
  model: z.string(),
  method: z.string(),
  /** Tokens of the prompt. */
  length: number,
  /** Seconds to read the prompt and write the first token, of kernels where their times are known. */
  firstTokenSeconds: number,
  /** Tokens a second after that, likewise. */
  tokensPerSecond: number,
  /** Both by the clock, the host's work included; rows of before 2026-11-25 have none. */
  byClock: z.strictObject({ firstTokenSeconds: number, tokensPerSecond: number }).optional(),
  /** From whole steps, or from one layer's. */
  basis: z.enum(["whole model", "one layer"]),
  /** How both come about. */
  arithmetic: z.string(),
});

const record = z.strictObject({
  /** The machine, in words. */
  machine: z.string(),
  /** The day of the newest row, as 2026-01-31. */
  date: z.string(),
  /** Bytes that the adapter reads a second at best. */
  readBytesPerSecond: number,
  rows: z.array(z.discriminatedUnion("kind", [stepRow, leftRow, derivedRow])),
});

/** A step of a part of a model, timed. */
export type StepRow = Readonly<z.infer<typeof stepRow>>;
/** A step that was left out, and why. */
export type LeftRow = Readonly<z.infer<typeof leftRow>>;
/** What follows from measured steps for a whole run. */
export type DerivedRow = Readonly<z.infer<typeof derivedRow>>;
/** A row of the results. */
export type ShapesRow = StepRow | LeftRow | DerivedRow;
/** What a file of results holds. */
export type ShapesRecord = Readonly<z.infer<typeof record>>;

/** The time that counts: the kernels' where it is known. */
export function millisecondsOf({ gpuMilliseconds, wallMilliseconds }: StepRow): number {
  return gpuMilliseconds ?? wallMilliseconds;
}

/**
 * Reads results that were written before.
 *
 * @throws {Error} naming the file, the row and what is wrong with it.
 */
export function parseRecord(file: string, text: string): ShapesRecord {
  return parseKept(record, { file, text, what: "shapes" });
}

/** The rows of both, a measured one in the place of an earlier one of the same step; derived ones are left to be derived anew. */
export function mergeRows(earlier: readonly ShapesRow[], measured: readonly ShapesRow[]): ShapesRow[] {
  const keyOf = ({ model, part, method, length }: StepRow | LeftRow) => JSON.stringify([model, part, method, length]);
  const kept = [...earlier, ...measured].filter((row) => row.kind !== "derived");
  const steps = measured.filter((row): row is StepRow => row.kind === "step");
  const isNew = new Set<ShapesRow>(measured);
  return kept.filter((row) => {
    if (isNew.has(row)) return true;
    const anew = measured.some((other) => {
      return other.kind === "left out" && row.kind === "left out" && keyOf(other) === keyOf(row);
    });
    return !anew && !steps.some((other) => {
      return keyOf(other) === keyOf(row) && (row.kind === "left out" || row.step === other.step);
    });
  });
}
