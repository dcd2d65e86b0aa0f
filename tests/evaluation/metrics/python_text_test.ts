import { assertEquals } from "@std/assert";
import {
  isDigit,
  parseFloatAsPython,
  parseInteger,
  roundAsPython,
  strip,
  words,
} from "../../../lib/evaluation/metrics/python_text.ts";

// Expected values are what CPython 3.11 gives.
Deno.test("words and strip know Python's white space: U+001C and U+0085 are, U+FEFF is not", () => {
  assertEquals(words(" a\x1cb\x85c\u3000d\ufeffe\u200bf "), ["a", "b", "c", "d\ufeffe\u200bf"]);
  assertEquals(strip("\x1f\u2028 x \x85"), "x");
});

Deno.test("isDigit takes decimals of every script, superscripts and circled digits, but no fractions", () => {
  assertEquals([..."5３٣²①½Ⅷ一a"].map(isDigit), [true, true, true, true, true, false, false, false, false]);
});

Deno.test("parseInteger reads what int() does", () => {
  const cases: [string, bigint | undefined][] = [
    ["７", 7n],
    ["1_0", 10n],
    [" +7\n", 7n],
    ["-00012", -12n],
    ["𝟛𝟜", 34n],
    ["1__0", undefined],
    ["1.0", undefined],
    ["²", undefined],
    ["", undefined],
    ["123456789012345678901", 123456789012345678901n],
  ];
  for (const [text, value] of cases) assertEquals(parseInteger(text), value, text);
});

Deno.test("parseFloatAsPython reads what float() does", () => {
  const cases: [string, number | undefined][] = [
    ["٣.٥", 3.5],
    ["1.", 1],
    [".5", 0.5],
    ["1_0.5_0", 10.5],
    ["-Infinity", -Infinity],
    ["nan", NaN],
    ["1e400", Infinity],
    [".", undefined],
    ["1._5", undefined],
    ["0x10", undefined],
    ["1,0", undefined],
    ["²", undefined],
  ];
  for (const [text, value] of cases) assertEquals(parseFloatAsPython(text), value, text);
});

Deno.test("roundAsPython rounds exact halves to even, and only those", () => {
  const cases: [number, number, number][] = [
    [2.5, 0, 2],
    [3.5, 0, 4],
    [-2.5, 0, -2],
    [0.125, 2, 0.12],
    [0.375, 2, 0.38],
    // The nearest double lies a little above or below the half.
    [1.005, 2, 1],
    [2.675, 2, 2.67],
    [66.66666666666667, 2, 66.67],
    [0.5, 0, 0],
  ];
  for (const [value, digits, expected] of cases) assertEquals(roundAsPython(value, digits), expected, String(value));
});
