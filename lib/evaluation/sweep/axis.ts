import * as z from "../../zod.ts";

/** What an axis can hold: a knob's value, a method's name, a length, an option of the task. */
export type AxisValue = number | string | boolean;

/** Values that follow from each other: by steps, or by factors. */
export interface AxisRange {
  /** First value. */
  readonly from: number;
  /** Last value, if the steps reach it. */
  readonly to: number;
  /** What is added each time. Default 1. */
  readonly step?: number;
  /** What is multiplied with each time, instead of a step. */
  readonly factor?: number;
}

/** An axis as it is written: a list, or a range. */
export type WrittenAxis = readonly AxisValue[] | AxisRange;

/** Most values of one axis. */
const MOST_VALUES = 10_000;

const scalar = z.union([z.number(), z.string(), z.boolean()], { error: "must be a number, a text or true or false" });

const range = z.strictObject({
  from: z.number().check(z.describe("First value.")),
  to: z.number().check(z.describe("Last value, if the steps reach it.")),
  step: z.optional(z.number().check(z.positive())).check(z.describe("What is added each time. Default 1.")),
  factor: z.optional(z.number().check(z.gt(1))).check(
    z.describe("What is multiplied with each time, instead of a step."),
  ),
}).check(
  z.refine(({ from, to }) => from <= to, "from must be at most to"),
  z.refine(({ step, factor }) => step === undefined || factor === undefined, "give step or factor, not both"),
  z.refine(({ from, factor }) => factor === undefined || from > 0, "with a factor, from must be more than 0"),
  z.refine(
    ({ from, to, step = 1, factor }) =>
      (factor ? Math.log(to / from) / Math.log(factor) : (to - from) / step) < MOST_VALUES,
    `a range must have fewer than ${MOST_VALUES} values`,
  ),
);

/** Checks an axis' values: a list, or a range `{ from, to, step }` or `{ from, to, factor }`. */
export const axisValuesSchema = z.union(
  [z.array(scalar).check(z.minLength(1, "must have at least one value")), range],
  {
    error: "must be a list of values, or a range such as { from: 1, to: 8, factor: 2 }",
  },
);

/** The values of an axis as it was written, each once. */
export function axisValues(written: WrittenAxis): AxisValue[] {
  return [...new Set("from" in written ? rangeValues(written) : written)];
}

function rangeValues({ from, to, step = 1, factor }: AxisRange): number[] {
  const count = factor
    ? Math.floor(Math.log(to / from) / Math.log(factor) + 1e-9)
    : Math.floor((to - from) / step + 1e-9);
  const at = (index: number) => factor ? from * factor ** index : from + index * step;
  // Twelve digits: 0.1 + 2 x 0.1 is 0.3.
  return Array.from({ length: count + 1 }, (_, index) => Number(at(index).toPrecision(12)));
}

/**
 * Values as typed on a command line: "1,2,4", "0..9", "true,false", "qk,qkv".
 *
 * @throws {RangeError} for an empty value, or a range that falls.
 *
 * @example
 * ```ts
 * import { parseAxisText } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseAxisText("1,2,4"), [1, 2, 4]);
 * assertEquals(parseAxisText("0..3"), [0, 1, 2, 3]);
 * ```
 */
export function parseAxisText(text: string): AxisValue[] {
  return text.split(",").map((part) => part.trim()).flatMap((part): AxisValue[] => {
    const ends = /^(-?\d+)\.\.(-?\d+)$/.exec(part)?.slice(1).map(Number);
    if (ends) {
      if (ends[0] > ends[1]) throw new RangeError(`"${part}": a range must rise`);
      if (ends[1] - ends[0] >= MOST_VALUES) throw new RangeError(`"${part}": fewer than ${MOST_VALUES} values, please`);
      return rangeValues({ from: ends[0], to: ends[1] });
    }
    if (part === "") throw new RangeError(`"${text}" holds an empty value`);
    if (part === "true" || part === "false") return [part === "true"];
    return [/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(part) ? Number(part) : part];
  });
}
