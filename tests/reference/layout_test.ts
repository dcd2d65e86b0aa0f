import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  completeKnobs,
  middleLayout,
  promptChunks,
  type ReferenceStepShape,
  stepMode,
} from "../../lib/reference/mod.ts";

const size = fc.integer({ min: 0, max: 40 });

Deno.test("middleLayout loses a whole alignment where the middle is one already", () => {
  const layout = middleLayout(8 + 160 + 128, { globalSize: 8, window: 160, align: 128 });
  assertEquals(layout, { middleStart: 8, middleLength: 256, windowStart: 264, windowLength: 32 });
});

Deno.test("middleLayout has a middle that is a positive multiple of align and a window of L - align to L - 1", () => {
  fc.assert(
    fc.property(size, size, size, fc.integer({ min: 1, max: 300 }), (globalSize, more, align, beyond) => {
      const window = align + 1 + more;
      const length = globalSize + window + beyond;
      const layout = middleLayout(length, { globalSize, window, align });
      assertEquals(layout.middleStart + layout.middleLength, layout.windowStart);
      assertEquals(layout.windowStart + layout.windowLength, length);
      if (align === 0) return assertEquals(layout.windowLength, window);
      assert(layout.middleLength > 0 && layout.middleLength % align === 0);
      assert(layout.windowLength >= window - align && layout.windowLength < window);
    }),
    { seed: 6, numRuns: 200 },
  );
  assertThrows(
    () => middleLayout(100, { globalSize: 40, window: 60, align: 0 }),
    RangeError,
    "length 100 must be more",
  );
});

Deno.test("stepMode follows the rules of ALGORITHM section 3", () => {
  const knobs = completeKnobs({ globalSize: 4, window: 16, chunkSize: 8 });
  const chunk: ReferenceStepShape = { length: 21, rows: 8, first: false, phase: "prefill" };
  const decode: ReferenceStepShape = { length: 21, rows: 1, first: false, phase: "decode" };
  const cases: [Parameters<typeof stepMode>, string][] = [
    [[chunk, knobs], "select"],
    [[decode, knobs], "select"],
    [[{ ...chunk, length: 20 }, knobs], "full"],
    [[{ ...chunk, rows: 21, first: true }, knobs], "full"],
    [[chunk, { ...knobs, recall: "never" }], "full"],
    [[chunk, { ...knobs, recall: "generate" }], "full"],
    [[decode, { ...knobs, recall: "generate" }], "select"],
    [[chunk, { ...knobs, recall: "prefill" }], "select"],
    [[decode, { ...knobs, recall: "prefill" }], "full"],
    [[decode, { ...knobs, k: 0 }], "window"],
    [[decode, { ...knobs, k: 0, recall: "never" }], "full"],
    [[decode, knobs, "streaming"], "window"],
    [[{ ...decode, length: 20 }, knobs, "streaming"], "full"],
    [[decode, knobs, "full"], "full"],
  ];
  for (const [given, mode] of cases) assertEquals(stepMode(...given), mode, JSON.stringify(given));
});

Deno.test("stepMode reads with window alone before the question where prefill is window", () => {
  const knobs = completeKnobs({ globalSize: 4, window: 16, chunkSize: 8, prefill: "window" });
  const step: ReferenceStepShape = { length: 50, rows: 5, first: false, phase: "prefill" };
  assertEquals(stepMode(step, knobs), "window");
  assertEquals(stepMode({ ...step, questionStart: 46 }, knobs), "window");
  assertEquals(stepMode({ ...step, questionStart: 45 }, knobs), "select");
  assertEquals(stepMode({ ...step, rows: 1, phase: "decode" }, knobs), "select");
  assertEquals(stepMode({ ...step, rows: 1, phase: "decode", questionStart: 99 }, knobs), "window");
});

Deno.test("promptChunks reads all but the last token, and leaves the last chunk alone shorter", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), size, size, size, (promptTokens, globalSize, more, align) => {
      const knobs = { globalSize, window: align + 1 + more, align, chunkSize: 1 + more };
      const { first, chunks } = promptChunks(promptTokens, knobs);
      assertEquals(chunks.reduce((sum, chunk) => sum + chunk, first), promptTokens - 1);
      assert(first <= globalSize + knobs.window);
      assert(chunks.slice(0, -1).every((chunk) => chunk === knobs.chunkSize));
      // After the first call the rest is a multiple of the alignment.
      if (align > 0 && chunks.length > 0) assertEquals((promptTokens - 1 - first) % align, 0);
    }),
    { seed: 8, numRuns: 200 },
  );
});

Deno.test("promptChunks of a single token has nothing to read", () => {
  const knobs = completeKnobs();
  assertEquals(promptChunks(1, knobs), { first: 0, chunks: [] });
  assertThrows(() => promptChunks(0, knobs), RangeError, "0 prompt tokens");
});
