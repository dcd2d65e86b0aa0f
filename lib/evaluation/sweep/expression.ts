import jsep from "jsep";
import type { AxisValue } from "./axis.ts";

jsep.addBinaryOp("in", 10);

/** What an expression can be about: names and their values. */
export type Names = Readonly<Record<string, AxisValue>>;

type Result = AxisValue | readonly Result[];
type Node = jsep.Expression;

const operators: Readonly<Record<string, (left: never, right: never) => Result>> = {
  "+": (left: number, right: number) => left + right,
  "-": (left: number, right: number) => left - right,
  "*": (left: number, right: number) => left * right,
  "/": (left: number, right: number) => left / right,
  "%": (left: number, right: number) => left % right,
  "<": (left: number, right: number) => left < right,
  "<=": (left: number, right: number) => left <= right,
  ">": (left: number, right: number) => left > right,
  ">=": (left: number, right: number) => left >= right,
  "==": (left: Result, right: Result) => left === right,
  "===": (left: Result, right: Result) => left === right,
  "!=": (left: Result, right: Result) => left !== right,
  "!==": (left: Result, right: Result) => left !== right,
  "in": (left: Result, right: readonly Result[]) => right.includes(left),
};

/**
 * A condition over names, such as `chunkSize > window - 64 && method == "reattention"`. It is parsed, never run as a program:
 * numbers, texts, lists, names, `+ - * / %`, comparisons, `in`, `&& || !`, `a ? b : c` and brackets are all there is.
 *
 * @param text the condition
 * @param known names that may stand in it
 * @returns a function that tells whether it holds
 * @throws {RangeError} for a text that is none, or a name that there isn't.
 *
 * @example
 * ```ts
 * import { parseCondition } from "@reattention/toolkit/evaluation";
 * import { assert, assertThrows } from "@std/assert";
 *
 * assert(parseCondition("k > 4 && window in [64, 128]", ["k", "window"])({ k: 8, window: 64 }));
 * assertThrows(() => parseCondition("K > 4", ["k"]), RangeError, "there is no K");
 * ```
 */
export function parseCondition(text: string, known: readonly string[]): (names: Names) => boolean {
  let tree: Node;
  try {
    tree = jsep(text);
  } catch (error) {
    throw new RangeError(`"${text}" is no condition: ${(error as Error).message}`);
  }
  check(tree, text, new Set(known));
  return (names) => Boolean(valueOf(tree, names));
}

/** A task's options stand as `task.NAME`. */
function nameOf(node: Node): string | undefined {
  if (node.type === "Identifier") return (node as jsep.Identifier).name;
  const { computed, object, property } = node as jsep.MemberExpression;
  if (node.type !== "MemberExpression" || computed) return undefined;
  const [outer, inner] = [nameOf(object), nameOf(property)];
  return outer === undefined || inner === undefined ? undefined : `${outer}.${inner}`;
}

function partsOf(node: Node): Node[] | undefined {
  switch (node.type) {
    case "Literal":
      return [];
    case "BinaryExpression": {
      const { operator, left, right } = node as jsep.BinaryExpression;
      return operator in operators || operator === "&&" || operator === "||" ? [left, right] : undefined;
    }
    case "UnaryExpression": {
      const { operator, argument } = node as jsep.UnaryExpression;
      return operator === "!" || operator === "-" ? [argument] : undefined;
    }
    case "ConditionalExpression": {
      const { test, consequent, alternate } = node as jsep.ConditionalExpression;
      return [test, consequent, alternate];
    }
    case "ArrayExpression":
      return (node as jsep.ArrayExpression).elements as Node[];
  }
}

function check(node: Node, text: string, known: ReadonlySet<string>): void {
  const name = nameOf(node);
  if (name !== undefined) {
    if (known.has(name)) return;
    throw new RangeError(`"${text}": there is no ${name}; the names are ${[...known].join(", ")}`);
  }
  const parts = partsOf(node);
  if (!parts) {
    throw new RangeError(`"${text}" is no condition: only names, numbers, texts, lists, arithmetic and comparisons`);
  }
  for (const part of parts) check(part, text, known);
}

function valueOf(node: Node, names: Names): Result {
  const name = nameOf(node);
  if (name !== undefined) return names[name];
  const value = (part: Node) => valueOf(part, names);
  switch (node.type) {
    case "Literal":
      return (node as jsep.Literal).value as Result;
    case "ArrayExpression":
      return ((node as jsep.ArrayExpression).elements as Node[]).map(value);
    case "UnaryExpression": {
      const { operator, argument } = node as jsep.UnaryExpression;
      return operator === "!" ? !value(argument) : -(value(argument) as number);
    }
    case "ConditionalExpression": {
      const { test, consequent, alternate } = node as jsep.ConditionalExpression;
      return value(test) ? value(consequent) : value(alternate);
    }
    default: {
      const { operator, left, right } = node as jsep.BinaryExpression;
      if (operator === "&&") return value(left) && value(right);
      if (operator === "||") return value(left) || value(right);
      return operators[operator](value(left) as never, value(right) as never);
    }
  }
}
