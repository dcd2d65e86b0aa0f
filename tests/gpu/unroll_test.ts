import { assertEquals, assertThrows } from "@std/assert";
import { unrollLoops } from "../../lib/gpu/unroll.ts";

Deno.test("unrollLoops writes marked loops out, keeps the lines' numbers, and leaves others alone", () => {
  const text = [
    "for (var c = 0u; c < N; c++) { // unrolled",
    "  let twice = 2u * c; // cc stays",
    "  if (twice > cc) { sum[c] += twice; }",
    "}",
    "for (var i = 0u; i < N; i++) {",
    "  last();",
    "}",
  ].join("\n");
  const lines = unrollLoops(text, { N: 2 }).split("\n");
  assertEquals(lines.length, 7);
  assertEquals(
    lines[0].replace(/\s+/g, " "),
    "{ let twice = 2u * 0u; if (twice > cc) { sum[0u] += twice; } } { let twice = 2u * 1u; if (twice > cc) { sum[1u] += twice; } }",
  );
  assertEquals(lines.slice(4), text.split("\n").slice(4));
});

Deno.test("unrollLoops names a bound that is no constant", () => {
  const text = "for (var c = 0u; c < M; c++) { // unrolled\n}\n";
  assertThrows(() => unrollLoops(text, { N: 2 }), RangeError, "M must be one of the kernel's constants");
});

Deno.test("unrollLoops writes out loops in loops, and takes bounds from numbers and the kernel's own constants", () => {
  const text = [
    "const M = 2u;",
    "for (var i = 0u; i < M; i++) { // unrolled",
    "  for (var j = 0u; j < 2u; j++) { // unrolled",
    "    sum[i] += j;",
    "  }",
    "}",
    "last();",
  ].join("\n");
  const lines = unrollLoops(text, {}).split("\n");
  assertEquals(lines.length, 7);
  assertEquals(
    lines[1].replace(/\s+/g, ""),
    ["{{sum[0u]+=0u;}{sum[0u]+=1u;}}", "{{sum[1u]+=0u;}{sum[1u]+=1u;}}"].join(""),
  );
  assertEquals(lines[6], "last();");
});
