import { assert, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { parseCondition } from "../../../lib/evaluation/mod.ts";

const known = ["k", "window", "chunkSize", "method", "task.variant"];

Deno.test("parseCondition agrees with TypeScript on random numbers", () => {
  const cases: [string, (k: number, window: number) => boolean][] = [
    ["k > 4 && window <= 64", (k, window) => k > 4 && window <= 64],
    ["!(k == window) || k % 2 == 1", (k, window) => k !== window || k % 2 === 1],
    ["k * 2 + 1 >= window / 2 - 3", (k, window) => k * 2 + 1 >= window / 2 - 3],
    ["k < window ? k != 3 : -k < -5", (k, window) => k < window ? k !== 3 : -k < -5],
    ["k in [1, 2, window]", (k, window) => [1, 2, window].includes(k)],
  ];
  for (const [text, expected] of cases) {
    const holds = parseCondition(text, known);
    fc.assert(fc.property(fc.nat(9), fc.nat(9), (k, window) => {
      assertEquals(holds({ k, window }), expected(k, window), `${text} with k ${k}, window ${window}`);
    }));
  }
});

Deno.test("parseCondition takes texts, and options of a task by their whole name", () => {
  const holds = parseCondition('task.variant == "chain" && method in ["full", "streaming"]', known);
  assert(holds({ "task.variant": "chain", method: "full" }));
  assert(!holds({ "task.variant": "chain", method: "reattention" }));
});

Deno.test("parseCondition refuses unknown names, calls, and what is no condition", () => {
  assertThrows(() => parseCondition("K > 4", known), RangeError, "there is no K; the names are k, window");
  assertThrows(() => parseCondition("task.hops > 4", known), RangeError, "there is no task.hops");
  for (const text of ["Deno.exit(1)", "k > ", "(k", "k = 4", "k; window", "`${k}`", "[k", "this", "k[0]", "() => 1"]) {
    assertThrows(() => parseCondition(text, known), RangeError, undefined, text);
  }
});
