import { AssertionError as NodeAssertionError } from "node:assert/strict";
import { inspect } from "node:util";

const SHOWN = { depth: 100, sorted: true, maxArrayLength: 1_000_000, maxStringLength: Infinity };
const MOST_LINES = 400;

/** The error of a failed assertion. */
export class AssertionError extends Error {
  /** @param message what was asserted and what was found */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** A caller's message as the end of ours: ": message", or a full stop where there is none. */
export function suffix(msg?: string): string {
  return msg ? `: ${msg}` : ".";
}

/** A value as text, the same for the same value. */
export function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : inspect(value, SHOWN);
}

/** How two values differ, line by line, as node:assert tells it where they are small enough for that. */
export function difference(actual: unknown, expected: unknown): string {
  const left = lines(actual);
  const right = lines(expected);
  if (left.length + right.length > MOST_LINES) return firstDifference(left, right);
  const { message } = new NodeAssertionError({ actual, expected, operator: "deepStrictEqual" });
  // Node's first line is its own headline; the caller has one already.
  return message.slice(message.indexOf("\n") + 1);
}

function lines(value: unknown): string[] {
  return (typeof value === "string" ? value : inspect(value, SHOWN)).split("\n");
}

/** Large values: the first lines that differ. Node's way takes time with the square of the number of lines. */
function firstDifference(left: string[], right: string[]): string {
  let at = 0;
  while (at < left.length && left[at] === right[at]) at++;
  const from = Math.max(0, at - 2);
  const marked = (sign: string, text: string[]) => text.slice(at, at + 10).map((line) => sign + line.slice(0, 1000));
  return [
    `line ${at + 1} on, + actual - expected`,
    ...left.slice(from, at).map((line) => "  " + line),
    ...marked("+ ", left),
    ...marked("- ", right),
  ].join("\n");
}
