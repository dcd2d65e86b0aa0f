import * as z from "../../zod.ts";
import type { Schema } from "../../attention/mod.ts";

/** How the next token is chosen from the logits. */
export interface SamplingOptions {
  /** Divides the logits before the draw; 0 always takes the likeliest token. 0 to 100, default 0. */
  readonly temperature: number;
  /** Draws among the likeliest tokens whose probabilities add up to this. Above 0 up to 1; default 1: all tokens. */
  readonly topP: number;
  /** Draws among this many likeliest tokens. Default 0: all tokens. */
  readonly topK: number;
  /** The draw's seed: the same seed, prompt and device give the same tokens. 0 to 2^32 - 1, default 0. */
  readonly seed: number;
}

/** The likeliest token each time: what is used where no options are given. */
export const greedySampling: Readonly<SamplingOptions> = Object.freeze({ temperature: 0, topP: 1, topK: 0, seed: 0 });

function number(rule: string, holds: (value: number) => boolean): z.ZodMiniType<number> {
  // One check for kind and limits, so that there is one message for each wrong value.
  return z.custom<number>((value) => typeof value === "number" && holds(value), {
    error: (issue) => `must be ${rule}, not ${JSON.stringify(issue.input) ?? "undefined"}`,
  });
}

function wholeNumber(most: number): z.ZodMiniType<number> {
  return number(`a whole number from 0 to ${most}`, (value) => Number.isInteger(value) && value >= 0 && value <= most);
}

const schema: z.ZodMiniType<SamplingOptions> = z.strictObject({
  temperature: number("a number from 0 (always the likeliest token) to 100", (value) => value >= 0 && value <= 100),
  topP: number("a number above 0, up to 1 (all tokens)", (value) => value > 0 && value <= 1),
  topK: wholeNumber(2 ** 31 - 1),
  seed: wholeNumber(2 ** 32 - 1),
});

/** Checks a complete set of sampling options from outside; unknown names are errors. */
export const samplingOptionsSchema: Schema<SamplingOptions> = schema;

/**
 * Completes sampling options with the defaults and checks them.
 *
 * @param options any of the options; absent or undefined ones take their default
 * @throws {TypeError} if it is no object.
 * @throws {RangeError} naming each option that is wrong, its value and what would be right.
 *
 * @example
 * ```ts
 * import { parseSamplingOptions } from "@reattention/toolkit/model";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(parseSamplingOptions({ temperature: 0.7 }), { temperature: 0.7, topP: 1, topK: 0, seed: 0 });
 * assertThrows(() => parseSamplingOptions({ topP: 0 }), RangeError, "topP: must be a number above 0");
 * ```
 */
export function parseSamplingOptions(options: unknown = {}): SamplingOptions {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`sampling options must be an object, not ${JSON.stringify(options)}`);
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const parsed = schema.safeParse({ ...greedySampling, ...given });
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) =>
    issue.code === "unrecognized_keys"
      ? `there is no option ${issue.keys.join(", ")}; the options are ${Object.keys(greedySampling).join(", ")}`
      : `${issue.path.join(".")}: ${issue.message}`
  );
  throw new RangeError(`sampling options: ${faults.join("; ")}`);
}
