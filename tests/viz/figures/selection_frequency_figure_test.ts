import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { attendedSpans, FIGURE_BYTES, figureBytes, selectionFrequencyFigure } from "../../../lib/viz/mod.ts";
import { selectionShares } from "../../../lib/viz/figures/selection_frequency_figure.ts";
import { plain } from "../plain.ts";

const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);
const group = (selected: number[], length: number) => ({
  indices: [0, 1, ...selected, length - 1],
  centers: [],
  votes: [],
  globalCount: 2,
  windowStart: length - 1,
});

Deno.test("selectionShares counts each position as often as steps and groups picked it", () => {
  const picks = fc.array(fc.uniqueArray(fc.integer({ min: 2, max: 48 })), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(picks, (lists) => {
      const groups = lists.map((list) => group(list.sort((a, b) => a - b), 50));
      const steps = groups.map((one) => ({ layers: [{ layer: 3, groups: [one, groups[0]] }] }));
      const shares = selectionShares(steps, 3, 50);
      for (const position of range(0, 50)) {
        const times = steps.flatMap(({ layers }) =>
          layers[0].groups
        ).filter((one) =>
          attendedSpans(one).some((span) => span.kind === "selected" && span.start <= position && position < span.end)
        ).length;
        assertEquals(shares[position], times / (2 * groups.length));
      }
    }),
    { seed: 4, numRuns: 60 },
  );
});

Deno.test("selectionFrequencyFigure leaves out leading tokens and window, and averages over layers", () => {
  const steps = [{
    layers: [{ layer: 0, groups: [group([10, 11], 20)] }, { layer: 1, groups: [group([11], 20)] }],
  }];
  const { data } = plain(selectionFrequencyFigure({ steps, length: 20 }));
  assertEquals(data[0].y, range(0, 20).map((i) => i === 10 ? 0.5 : i === 11 ? 1 : 0));
  assertEquals([data[1].y, data[1].z[1][10], data[1].z[1][11]], [["layer 0", "layer 1"], 0, 1]);
});

Deno.test("selectionFrequencyFigure of a million positions and 32 layers is binned, and no picked position is lost", () => {
  const length = 1_000_000;
  const steps = [{ layers: range(0, 32).map((layer) => ({ layer, groups: [group([777_777 + layer], length)] })) }];
  const text = (start: number, end: number) => `${start} to ${end}`;
  const figure = selectionFrequencyFigure({ steps, length, text });
  assert(figureBytes(figure) <= FIGURE_BYTES);
  const { z, dx } = plain(figure.data[1]);
  assert(dx > 1 && z[0].length * dx >= length);
  for (const row of z) assertEquals(row.filter((share: number) => share > 0), [1]);
  assertStringIncludes(plain(figure.data[0]).text[1], `${dx} to `);
});

Deno.test("selectionFrequencyFigure refuses an empty trace", () => {
  assertThrows(() => selectionFrequencyFigure({ steps: [], length: 10 }), RangeError, "there is no step");
});
