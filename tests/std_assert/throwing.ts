import { stripVTControlCharacters } from "node:util";
import { AssertionError, suffix } from "./assertion_error.ts";

/** A class of errors. */
// deno-lint-ignore no-explicit-any
type ErrorClassOf<E extends Error> = abstract new (...args: any[]) => E;

/** Asserts that a value is an Error, of a class and with a message where they are given. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  // deno-lint-ignore no-explicit-any
  ErrorClass?: abstract new (...args: any[]) => E,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    throw new AssertionError(`Expected "error" to be an Error object${suffix(msg)}`);
  }
  if (ErrorClass && !(error instanceof ErrorClass)) {
    const found = (error as Error).constructor?.name;
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was "${found}"${suffix(msg)}`,
    );
  }
  if (!msgMatches || saysSo(error.message, msgMatches)) return;
  const wanted = msgMatches instanceof RegExp ? String(msgMatches) : JSON.stringify(msgMatches);
  throw new AssertionError(
    `Expected error message to include ${wanted}, but got ${JSON.stringify(error.message)}${suffix(msg)}`,
  );
}

/** Asserts that a function throws, and returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Asserts that a function throws an error of a class, with a message that contains `msgIncludes`, and returns it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  // deno-lint-ignore no-explicit-any
  ErrorClass: abstract new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  classOrMsg?: ErrorClassOf<E> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const wanted = expectation(classOrMsg, msgIncludes, msg);
  try {
    fn();
  } catch (error) {
    checkError(error, wanted, "thrown");
    return error;
  }
  throw new AssertionError(`Expected function to throw${suffix(wanted.msg)}`);
}

/** Asserts that a function returns a promise that rejects, and resolves to what it rejected with. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Asserts that a function's promise rejects with an error of a class, with a message that contains `msgIncludes`. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  // deno-lint-ignore no-explicit-any
  ErrorClass: abstract new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorClassOf<E> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const wanted = expectation(classOrMsg, msgIncludes, msg);
  const promise = promiseOf(fn, wanted.msg);
  try {
    await promise;
  } catch (error) {
    checkError(error, wanted, "rejected");
    return error;
  }
  throw new AssertionError(`Expected function to reject${suffix(wanted.msg)}`);
}

interface Expectation<E extends Error> {
  readonly ErrorClass?: ErrorClassOf<E>;
  readonly msgIncludes?: string;
  readonly msg?: string;
}

function expectation<E extends Error>(
  classOrMsg: ErrorClassOf<E> | string | undefined,
  msgIncludes: string | undefined,
  msg: string | undefined,
): Expectation<E> {
  if (typeof classOrMsg === "string") return { msg: classOrMsg };
  return { ErrorClass: classOrMsg, msgIncludes, msg };
}

function checkError<E extends Error>(error: unknown, wanted: Expectation<E>, how: string): void {
  if (!wanted.ErrorClass) return;
  if (!(error instanceof Error)) throw new AssertionError(`A non-Error object was ${how}${suffix(wanted.msg)}`);
  assertIsError(error, wanted.ErrorClass, wanted.msgIncludes, wanted.msg);
}

/** A function that throws before it gives a promise does not reject, and one that gives no promise can't. */
function promiseOf(fn: () => PromiseLike<unknown>, msg?: string): PromiseLike<unknown> {
  let given: unknown;
  try {
    given = fn();
  } catch {
    given = undefined;
  }
  if (typeof given === "object" && given !== null && typeof (given as { then?: unknown }).then === "function") {
    return given as PromiseLike<unknown>;
  }
  throw new AssertionError(`Function throws when expected to reject${suffix(msg)}`);
}

function saysSo(message: string, wanted: string | RegExp): boolean {
  const plain = stripVTControlCharacters(message);
  return typeof wanted === "string" ? plain.includes(stripVTControlCharacters(wanted)) : wanted.test(plain);
}
