// Written against the contract of std assert@1, so that they hold for the real package too (not run against it so far).
import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertIsError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotInstanceOf,
  assertNotMatch,
  assertNotStrictEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
  unimplemented,
  unreachable,
} from "@std/assert";

// What is under test can't judge itself: these two checks use nothing of it.
function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

function fails(run: () => void, start = ""): void {
  try {
    run();
  } catch (error) {
    check(error instanceof AssertionError && error instanceof Error, `not an AssertionError: ${error}`);
    check((error as Error).name === "AssertionError", "the error's name is AssertionError");
    check((error as Error).message.startsWith(start), `message starts otherwise: ${(error as Error).message}`);
    return;
  }
  throw new Error("the assertion should have failed");
}

class Point {
  constructor(readonly x: number) {}
  get double(): number {
    return 2 * this.x;
  }
}
class Place {
  constructor(readonly x: number) {}
}

const circular = (name: string): object => {
  const value: Record<string, unknown> = { name };
  value.self = value;
  return value;
};

const equalPairs: [string, unknown, unknown][] = [
  ["zeros of either sign", 0, -0],
  ["NaN", NaN, NaN],
  ["zeros in a typed array", new Float32Array([0, NaN]), new Float32Array([-0, NaN])],
  ["nested objects", { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }],
  ["objects whatever their key order", { a: 1, b: 2 }, { b: 2, a: 1 }],
  ["an object without prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ["instances of one class", new Point(1), new Point(1)],
  ["sets whatever their order", new Set([1, 2]), new Set([2, 1])],
  ["sets of objects", new Set([{ a: 1 }, { a: 2 }]), new Set([{ a: 2 }, { a: 1 }])],
  ["maps with object keys", new Map([[{ a: 1 }, [2]]]), new Map([[{ a: 1 }, [2]]])],
  ["dates", new Date(5), new Date(5)],
  ["invalid dates", new Date(NaN), new Date(NaN)],
  ["patterns", /a/g, /a/g],
  ["addresses", new URL("https://a.test/"), new URL("https://a.test/")],
  ["buffers", new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2]).buffer],
  ["values that hold themselves", circular("a"), circular("a")],
  ["symbol keys", { [Symbol.for("a")]: 1 }, { [Symbol.for("a")]: 1 }],
];

const unequalPairs: [string, unknown, unknown][] = [
  ["a number and its text", 1, "1"],
  ["null and undefined", null, undefined],
  ["a missing and an undefined property", {}, { a: undefined }],
  ["a differently named undefined property", { a: undefined }, { b: undefined }],
  ["an array hole and undefined", [undefined], new Array(1)],
  ["an array and an object", [], {}],
  ["arrays of different lengths", [1], [1, undefined]],
  ["instances of different classes", new Point(1), new Place(1)],
  ["an instance and a plain object", new Place(1), { x: 1 }],
  ["typed arrays of different types", new Uint8Array([1]), new Int8Array([1])],
  ["typed arrays of different lengths", new Uint8Array(1), new Uint8Array(2)],
  ["sets of different members", new Set([1]), new Set([2])],
  ["maps of different values", new Map([["a", 1]]), new Map([["a", 2]])],
  ["dates of different times", new Date(5), new Date(6)],
  ["patterns of different flags", /a/g, /a/i],
  ["errors of different messages", new Error("a"), new Error("b")],
  ["functions that only look alike", () => 1, () => 1],
  ["values that hold themselves", circular("a"), circular("b")],
  ["symbol keys", { [Symbol.for("a")]: 1 }, { [Symbol.for("a")]: 2 }],
];

Deno.test("equal takes for equal what std takes for equal", () => {
  for (const [what, a, b] of equalPairs) {
    check(equal(a, b) && equal(b, a), what);
    assertEquals(a, b);
    fails(() => assertNotEquals(a, b), "Expected actual: ");
  }
});

Deno.test("equal tells apart what std tells apart", () => {
  for (const [what, a, b] of unequalPairs) {
    check(!equal(a, b) && !equal(b, a), what);
    assertNotEquals(a, b);
    fails(() => assertEquals(a, b), "Values are not equal.\n");
  }
});

Deno.test("equal refuses weak collections", () => {
  assertThrows(() => equal(new WeakMap(), new WeakMap()), TypeError, "WeakMap");
  assertThrows(() => equal(new WeakSet(), new WeakSet()), TypeError, "WeakSet");
  check(equal(new WeakRef(circular("a")), new WeakRef(circular("a"))), "weak references compare by what they hold");
});

Deno.test("assertEquals puts the caller's message before the difference", () => {
  fails(() => assertEquals([1, 2], [1, 3], "the sum"), "Values are not equal: the sum\n");
  fails(() => assertEquals("a\nb", "a\nc"), "Values are not equal.\n");
});

Deno.test("assertEquals tells large differences quickly", () => {
  const a = new Float32Array(100_000);
  const b = Float32Array.from(a, (_, i) => i);
  fails(() => assertEquals(a, b), "Values are not equal.\n");
});

Deno.test("assert and assertFalse throw the message given", () => {
  assert(1);
  assertFalse("");
  fails(() => assert(0, "zero"), "zero");
  fails(() => assertFalse("a", "text"), "text");
});

Deno.test("assertStrictEquals compares with Object.is", () => {
  const value = {};
  assertStrictEquals(value, value);
  assertStrictEquals<number>(NaN, NaN);
  assertNotStrictEquals(0, -0);
  assertNotStrictEquals({}, {});
  fails(() => assertStrictEquals({}, {}), "Values have the same structure but are not reference-equal.");
  fails(() => assertStrictEquals(1, 2, "one"), "Values are not strictly equal: one\n");
  fails(() => assertNotStrictEquals(1, 1), 'Expected "actual" to not be strictly equal to: 1.');
});

Deno.test("assertAlmostEquals allows 1e-7 of the expected value by default", () => {
  assertAlmostEquals(1000.00009, 1000);
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(NaN, NaN);
  assertAlmostEquals(Infinity, Infinity);
  assertAlmostEquals(1, 1.4, 0.5);
  fails(() => assertAlmostEquals(1000.00011, 1000), 'Expected actual: "1.00000011e+3" to be close to "1000"');
  fails(() => assertAlmostEquals(1e-9, 0), "Expected actual");
  fails(() => assertAlmostEquals(NaN, 1, 10), "Expected actual");
  fails(() => assertAlmostEquals(1, 2, 0.5, "sum"), 'Expected actual: "1" to be close to "2": delta "1"');
});

Deno.test("assertGreater and its kin compare and say how", () => {
  assertGreater(2, 1);
  assertGreaterOrEqual(2, 2);
  assertLess("a", "b");
  assertLessOrEqual(1n, 1n);
  fails(() => assertGreater(1, 1), "Expect 1 > 1");
  fails(() => assertGreaterOrEqual(0, 1), "Expect 0 >= 1");
  fails(() => assertLess(1, 1), "Expect 1 < 1");
  fails(() => assertLessOrEqual(2, 1, "too many"), "too many");
  fails(() => assertLess(NaN, 1), "Expect NaN < 1");
});

Deno.test("assertExists refuses null and undefined only", () => {
  assertExists(0);
  assertExists("");
  fails(() => assertExists(null), 'Expected actual: "null" to not be null or undefined.');
  fails(() => assertExists(undefined, "why"), 'Expected actual: "undefined" to not be null or undefined: why');
});

Deno.test("assertInstanceOf names what it found", () => {
  assertInstanceOf(new TypeError("a"), Error);
  assertNotInstanceOf<unknown, RangeError>(new TypeError("a"), RangeError);
  fails(() => assertInstanceOf(1, Date), 'Expected object to be an instance of "Date" but was "number".');
  fails(() => assertInstanceOf(null, Date), 'Expected object to be an instance of "Date" but was "null".');
  fails(() => assertInstanceOf(Date, Date), 'Expected object to be an instance of "Date" but was not an instanced');
  fails(() => assertNotInstanceOf<unknown, Error>(new TypeError("a"), Error), "Expected object to not be an instance");
});

Deno.test("assertMatch, assertNotMatch and assertStringIncludes look into texts", () => {
  assertMatch("span 12", /\d+/);
  assertNotMatch("span", /\d+/);
  assertStringIncludes("span", "pan");
  fails(() => assertMatch("span", /\d+/), 'Expected actual: "span" to match: "/\\d+/".');
  fails(() => assertNotMatch("span 1", /\d+/), 'Expected actual: "span 1" to not match: "/\\d+/".');
  fails(() => assertStringIncludes("a", "b", "why"), 'Expected actual: "a" to contain: "b": why');
});

Deno.test("assertArrayIncludes compares deeply", () => {
  assertArrayIncludes([{ a: 1 }, { b: 2 }], [{ b: 2 }]);
  assertArrayIncludes(new Uint8Array([1, 2]), new Uint8Array([2]));
  fails(() => assertArrayIncludes([1, 2], [3]), "Expected actual: ");
});

Deno.test("assertObjectMatch asks for the expected part only", () => {
  assertObjectMatch({ a: 1, b: { c: [1, { d: 2, e: 3 }], f: 4 } }, { b: { c: [1, { d: 2 }] } });
  assertObjectMatch({ a: new Map([["x", 1], ["y", 2]]) }, { a: new Map([["x", 1]]) });
  assertObjectMatch({ a: new Set([1, 2]) }, { a: new Set([2]) });
  fails(() => assertObjectMatch({ a: 1 }, { a: 2 }), "Values are not equal.");
  fails(() => assertObjectMatch({ a: 1 }, { b: undefined }), "Values are not equal.");
  fails(() => assertObjectMatch({ a: { b: 1 } }, { a: { b: 1, c: 2 } }), "Values are not equal.");
  fails(() => assertObjectMatch({ a: [1] }, { a: [1, 2] }, "list"), "Values are not equal: list");
});

Deno.test("assertThrows returns what was thrown", () => {
  const error = new RangeError("size is 3");
  const thrower = () => {
    throw error;
  };
  assertStrictEquals(assertThrows(thrower), error);
  assertStrictEquals(assertThrows(thrower, RangeError, "size is"), error);
  assertStrictEquals(assertThrows(thrower, Error), error);
  fails(() => assertThrows(() => {}), "Expected function to throw.");
  fails(() => assertThrows(() => {}, "why"), "Expected function to throw: why");
  fails(() => assertThrows(() => {}, Error, "", "why"), "Expected function to throw: why");
  fails(() => assertThrows(thrower, TypeError), 'Expected error to be instance of "TypeError", but was "RangeError".');
  fails(() => assertThrows(thrower, RangeError, "4"), 'Expected error message to include "4", but got "size is 3".');
});

Deno.test("assertThrows takes a value that is no Error only where no class is asked for", () => {
  const thrower = () => {
    throw "text";
  };
  assertStrictEquals(assertThrows(thrower), "text");
  fails(() => assertThrows(thrower, Error), "A non-Error object was thrown.");
});

Deno.test("assertRejects resolves to what the promise rejected with", async () => {
  const error = new RangeError("size is 3");
  assertStrictEquals(await assertRejects(() => Promise.reject(error)), error);
  assertStrictEquals(await assertRejects(() => Promise.reject(error), RangeError, "size"), error);
  const failing: [() => PromiseLike<unknown>, string][] = [
    [() => assertRejects(() => Promise.resolve()), "Expected function to reject."],
    [() => assertRejects(() => Promise.resolve(), "why"), "Expected function to reject: why"],
    [() => assertRejects(() => Promise.reject(error), TypeError), "Expected error to be instance of"],
    [() => assertRejects(() => Promise.reject("text"), Error), "A non-Error object was rejected."],
    [() =>
      assertRejects(() => {
        throw error;
      }), "Function throws when expected to reject."],
  ];
  for (const [run, start] of failing) {
    const found = await Promise.resolve(run()).then(() => undefined, (reason) => reason);
    fails(() => {
      if (found) throw found;
    }, start);
  }
});

Deno.test("assertIsError takes a text or a pattern", () => {
  assertIsError(new RangeError("size is 3"));
  assertIsError(new RangeError("size is 3"), RangeError, /\d$/);
  assertIsError(new Error("\x1b[31mred\x1b[0m text"), Error, "red text");
  fails(() => assertIsError("text"), 'Expected "error" to be an Error object.');
  fails(() => assertIsError(new Error("a"), Error, /b/), 'Expected error message to include /b/, but got "a".');
});

Deno.test("fail, unreachable and unimplemented always throw", () => {
  fails(() => fail(), "Failed assertion.");
  fails(() => fail("why"), "Failed assertion: why");
  fails(() => unreachable(), "Unreachable.");
  fails(() => unimplemented("later"), "Unimplemented: later");
});
