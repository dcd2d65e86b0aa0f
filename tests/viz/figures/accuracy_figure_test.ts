import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { accuracyFigure } from "../../../lib/viz/mod.ts";

const points = [
  { method: "b", length: 2048, exact: 0.5, low: 0.3, high: 0.7, questions: 24 },
  { method: "a", length: 512, exact: 1, low: 0.86, high: 1, questions: 24 },
  { method: "b", length: 512, exact: 1, low: 0.86, high: 1, questions: 24, allowBeyondTrained: true },
];
// deno-lint-ignore no-explicit-any -- plotly's layout is free-form
const plain = (value: unknown): any => value;

Deno.test("accuracyFigure draws one line per method, lengths rising, with the interval's two sides", () => {
  const { data } = accuracyFigure(points);
  assertEquals(data.map(({ name }) => name), ["b", "a"]);
  const [b] = plain(data);
  assertEquals(b.y, [1, 0.5]);
  assertAlmostEquals(b.error_y.arrayminus[1], 0.2, 1e-12);
  assertAlmostEquals(b.error_y.array[1], 0.2, 1e-12);
  assertEquals(b.error_y.symmetric, false);
  assertStringIncludes(b.text[1], "2,048 tokens");
  assertStringIncludes(b.text[1], "0.50 of 24");
  assertStringIncludes(b.text[1], "0.30 to 0.70");
});

Deno.test("accuracyFigure stands methods side by side, near their length", () => {
  const [b, a] = plain(accuracyFigure(points).data);
  assert(b.x[0] < 512 && a.x[0] > 512);
  assert(b.x[0] > 500 && a.x[0] < 524);
});

Deno.test("accuracyFigure draws rows that may pass the trained context hollow", () => {
  const [b] = plain(accuracyFigure(points).data);
  assertEquals(b.marker.symbol, ["circle-open", "circle"]);
});

Deno.test("accuracyFigure's axis is logarithmic, with the lengths as ticks and all points inside", () => {
  const { xaxis } = plain(accuracyFigure(points).layout);
  assertEquals([xaxis.type, xaxis.tickvals, xaxis.ticktext], ["log", [512, 2048], ["512", "2,048"]]);
  assert(10 ** xaxis.range[0] < 490 && 10 ** xaxis.range[1] > 2100);
  const single = plain(accuracyFigure(points.slice(0, 1)).layout).xaxis.range;
  assert(single[1] > single[0]);
});

Deno.test("accuracyFigure marks the trained context and chance where they are given", () => {
  assertEquals(plain(accuracyFigure(points).layout).shapes, []);
  const { shapes, annotations } = plain(accuracyFigure(points, { trainedContext: 512, chance: 0.125 }).layout);
  assertEquals([shapes[0].x0, shapes[0].x1, shapes[1].y0], [512, 512, 0.125]);
  // Annotations on a logarithmic axis take the exponent, unlike shapes.
  assertAlmostEquals(annotations[0].x, Math.log10(512), 1e-12);
});

Deno.test("accuracyFigure of no points is a figure all the same", () => {
  assertEquals(accuracyFigure([]).data, []);
});
