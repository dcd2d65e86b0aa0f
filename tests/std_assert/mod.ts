/**
 * The functions of `jsr:@std/assert@1` that this project's tests use, by the same names, argument orders and messages,
 * for places that JSR can't be reached from. To use the real ones, map "@std/assert" to "jsr:@std/assert@1" in deno.json.
 *
 * @module
 */
export { AssertionError } from "./assertion_error.ts";
export { equal } from "./equal.ts";
export {
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
  assertNotEquals,
  assertNotStrictEquals,
  assertStrictEquals,
} from "./equality.ts";
export {
  type ArrayLikeArg,
  assertArrayIncludes,
  assertMatch,
  assertNotMatch,
  assertObjectMatch,
  assertStringIncludes,
} from "./inclusion.ts";
export { assertIsError, assertRejects, assertThrows } from "./throwing.ts";
export {
  type AnyConstructor,
  assert,
  assertExists,
  assertFalse,
  assertInstanceOf,
  assertNotInstanceOf,
  fail,
  type Falsy,
  type GetConstructorType,
  unimplemented,
  unreachable,
} from "./truth.ts";
