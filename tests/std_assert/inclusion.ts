import { AssertionError, difference, shown, suffix } from "./assertion_error.ts";
import { equal } from "./equal.ts";

/** An array or something like it that is no string. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/** Asserts that a text contains another. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(`Expected actual: "${actual}" to contain: "${expected}"${suffix(msg)}`);
}

/** Asserts that a text matches a pattern. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(`Expected actual: "${actual}" to match: "${expected}"${suffix(msg)}`);
}

/** Asserts that a text does not match a pattern. */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) return;
  throw new AssertionError(`Expected actual: "${actual}" to not match: "${expected}"${suffix(msg)}`);
}

/** Asserts that an array holds every value of another, compared deeply, in any order. */
export function assertArrayIncludes<T>(actual: ArrayLikeArg<T>, expected: ArrayLikeArg<T>, msg?: string): void {
  const values = Array.from(actual);
  const missing = Array.from(expected).filter((wanted) => !values.some((value) => equal(wanted, value)));
  if (missing.length === 0) return;
  throw new AssertionError(
    `Expected actual: "${shown(actual)}" to include: "${shown(expected)}"${suffix(msg)}\nmissing: ${shown(missing)}`,
  );
}

/**
 * Asserts that an object has at least the properties of another, at every depth. Arrays inside must begin with the
 * expected items, maps and sets must hold the expected entries; classes are not compared.
 */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  if (includesDeep(actual, expected, new Map())) return;
  throw new AssertionError(`Values are not equal${suffix(msg)}\n${difference(actual, expected)}`);
}

function includesDeep(actual: unknown, expected: unknown, seen: Map<object, object>): boolean {
  if (!isOpen(actual) || !isOpen(expected)) return equal(actual, expected);
  if (seen.get(expected) === actual) return true;
  seen.set(expected, actual);
  if (actual instanceof Map && expected instanceof Map) {
    return [...expected].every(([key, value]) => actual.has(key) && includesDeep(actual.get(key), value, seen));
  }
  if (actual instanceof Set && expected instanceof Set) return expected.isSubsetOf(actual);
  if (Array.isArray(actual) !== Array.isArray(expected)) return false;
  return Reflect.ownKeys(expected).every((key) => {
    if (key === "length" && Array.isArray(expected)) return true;
    return Object.hasOwn(actual, key) && includesDeep(Reflect.get(actual, key), Reflect.get(expected, key), seen);
  });
}

/** Whether a value is looked into; texts, numbers, dates, patterns and bytes are compared whole. */
function isOpen(value: unknown): value is object {
  return typeof value === "object" && value !== null && !(value instanceof RegExp) && !(value instanceof Date) &&
    !(value instanceof ArrayBuffer) && !ArrayBuffer.isView(value);
}
