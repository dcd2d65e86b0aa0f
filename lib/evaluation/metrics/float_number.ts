/**
 * A number that its file writes with a decimal point or an exponent: Python reads it as a float, never as an int.
 *
 * @example
 * ```ts
 * import { FloatNumber } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const float = new FloatNumber(85);
 * assertEquals([float.value, JSON.stringify({ answer: float })], [85, '{"answer":85}']);
 * ```
 */
export class FloatNumber {
  /** Its value. */
  readonly value: number;

  /** Wraps a value. */
  constructor(value: number) {
    this.value = value;
  }

  /** Writes it as a number again. */
  toJSON(): number {
    return this.value;
  }
}

/** A right answer: text, or a number where the benchmark has numbers. */
export type Reference = string | number | FloatNumber;

/** Fields whose value is a right answer by itself; other answers stand in lists. */
const ANSWERS = new Set(["answer", "label", "ground_truth"]);

/**
 * Parses JSON like `JSON.parse`, but keeps apart what Python keeps apart in lists and answers: whole numbers written as
 * floats (`85.0`) become a {@linkcode FloatNumber}.
 *
 * @throws {SyntaxError} for text that is not JSON.
 *
 * @example
 * ```ts
 * import { FloatNumber, parseJsonAsPython } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const [whole, float] = parseJsonAsPython("[85, 85.0]") as unknown[];
 * assertEquals([whole, float instanceof FloatNumber], [85, true]);
 * ```
 */
export function parseJsonAsPython(text: string): unknown {
  function revive(this: unknown, key: string, value: unknown, context?: { source?: string }) {
    if (typeof value !== "number" || !Number.isInteger(value)) return value;
    if (!Array.isArray(this) && !ANSWERS.has(key)) return value;
    return context?.source && /[.eE]/.test(context.source) ? new FloatNumber(value) : value;
  }
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}
