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
