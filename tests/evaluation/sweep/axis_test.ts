import { assertEquals, assertThrows } from "@std/assert";
import { parseAxisText } from "../../../lib/evaluation/mod.ts";
import { parseSweepSpec } from "../../../lib/evaluation/mod.ts";

Deno.test("parseAxisText takes numbers, ranges, truth values and texts", () => {
  assertEquals(parseAxisText("1,2,4"), [1, 2, 4]);
  assertEquals(parseAxisText("0..3, 8"), [0, 1, 2, 3, 8]);
  assertEquals(parseAxisText("-1"), [-1]);
  assertEquals(parseAxisText("0.5,1e3"), [0.5, 1000]);
  assertEquals(parseAxisText("true,false"), [true, false]);
  assertEquals(parseAxisText("qk,qkv2_pe"), ["qk", "qkv2_pe"]);
});

Deno.test("parseAxisText says what can't be", () => {
  assertThrows(() => parseAxisText("1,,2"), RangeError, "empty value");
  assertThrows(() => parseAxisText(""), RangeError, "empty value");
  assertThrows(() => parseAxisText("9..0"), RangeError, "must rise");
  assertThrows(() => parseAxisText("0..99999999"), RangeError, "fewer than");
});

Deno.test("ranges of a spec go by steps or factors, to their end where they reach it", () => {
  const values = (range: { from: number; to: number; step?: number; factor?: number }) =>
    parseSweepSpec({ sweep: { k: range } }).sweep.k;
  assertEquals(values({ from: 1, to: 4 }), [1, 2, 3, 4]);
  assertEquals(values({ from: 1, to: 8, factor: 2 }), [1, 2, 4, 8]);
  assertEquals(values({ from: 1, to: 9, factor: 2 }), [1, 2, 4, 8]);
  assertEquals(values({ from: 0.1, to: 0.3, step: 0.1 }), [0.1, 0.2, 0.3]);
  assertEquals(values({ from: 3, to: 3 }), [3]);
});
