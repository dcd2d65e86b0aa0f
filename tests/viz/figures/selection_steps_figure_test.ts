import { assert, assertEquals, assertFalse, assertStringIncludes, assertThrows } from "@std/assert";
import { type AttendedLayer, FIGURE_BYTES, figureBytes, selectionStepsFigure } from "../../../lib/viz/mod.ts";
import { plain } from "../plain.ts";

const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);
const layersAt = (first: number, length: number): AttendedLayer[] => [{
  layer: 0,
  groups: [{
    indices: [...range(0, 4), ...range(first, first + 8), ...range(length - 16, length)],
    centers: [first + 4],
    votes: [first % 7 + 1],
    globalCount: 4,
    windowStart: length - 16,
  }],
}];
const steps = range(0, 5).map((step) => ({
  step,
  length: 1000 + step,
  layers: layersAt(100 + 50 * step, 1000 + step),
}));

Deno.test("selectionStepsFigure starts at the last step, and the slider brings every other one", () => {
  const { data, layout } = plain(selectionStepsFigure({ steps }));
  const [slider] = layout.sliders;
  assertEquals([slider.active, slider.steps.length], [4, 5]);
  assertEquals(data[2].base, [300]);
  const [change, traces] = slider.steps[1].args;
  assertEquals([slider.steps[1].method, traces, change.base[2], change.x[2]], ["restyle", [0, 1, 2, 3], [150], [8]]);
  // Votes of 150 % 7 + 1 at most: each step's colours go up to its own.
  assertEquals([change["marker.cmax"], data[2].marker.cmax], [4, 300 % 7 + 1]);
  assertEquals(slider.steps[1].label, "1 (1,001 tokens)");
});

Deno.test("selectionStepsFigure's steps change as many traces as are drawn, with and without a needle", () => {
  for (const needle of [undefined, { start: 205, end: 209 }]) {
    const { data, layout } = plain(selectionStepsFigure({ steps, needle, text: (a, b) => `${a}-${b}` }));
    for (const { args: [change, traces] } of layout.sliders[0].steps) {
      assertEquals(traces, range(0, data.length));
      for (const part of Object.values(change)) {
        if (Array.isArray(part)) assertEquals(part.length, data.length);
      }
    }
    assertStringIncludes(data[needle ? 4 : 2].text[0], "300-308");
  }
});

Deno.test("selectionStepsFigure of a long run stays under its limit: texts go first, then steps, which it says", () => {
  const many = (count: number, layers: number) =>
    range(0, count).map((step) => ({
      step,
      length: 1_000_000,
      layers: range(0, layers).map((layer) => ({
        layer,
        groups: [{
          indices: range(0, 127).flatMap((span) => range(5000 + span * 7000 + step, 5032 + span * 7000 + step)),
          centers: range(0, 127).map((span) => 5016 + span * 7000 + step),
          votes: range(1, 128),
          globalCount: 0,
          windowStart: 999_000,
        }],
      })),
    }));
  const text = (start: number) => `text of ${start} `.repeat(8);
  const short = selectionStepsFigure({ steps: many(4, 8), text });
  assert(figureBytes(short) <= FIGURE_BYTES);
  assertEquals(plain(short.layout).sliders[0].steps.length, 4);
  const long = selectionStepsFigure({ steps: many(40, 16), text });
  assert(figureBytes(long) <= FIGURE_BYTES);
  const [slider] = plain(long.layout).sliders;
  assert(slider.steps.length < 40 && slider.steps.length > 1);
  assertStringIncludes(slider.currentvalue.prefix, "every ");
  assertEquals(slider.steps.at(-1).label, "39 (1,000,000 tokens)");
  assertFalse(plain(long.data)[2].text[0].includes("text of"));
});

Deno.test("selectionStepsFigure makes a step's words harmless and refuses an empty trace", () => {
  const [slider] = plain(selectionStepsFigure({ steps: [{ ...steps[0], label: "<b>" }] }).layout).sliders;
  assertEquals(slider.steps[0].label, "0 &lt;b&gt; (1,000 tokens)");
  assertThrows(() => selectionStepsFigure({ steps: [] }), RangeError, "was the session made with trace: true?");
  assertThrows(() => selectionStepsFigure({ steps: [{ ...steps[0], length: 0 }] }), RangeError, "length 0");
});
