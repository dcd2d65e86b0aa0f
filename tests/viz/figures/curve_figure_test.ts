import { assert, assertAlmostEquals, assertEquals, assertFalse, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { curveFigure, FIGURE_BYTES, figureBytes } from "../../../lib/viz/mod.ts";
import { plain } from "../plain.ts";

const titles = { title: "Chunk size", xTitle: "length (tokens)", yTitle: "exact match (share)" };
const points = [
  { x: 2048, y: 0.5, low: 0.3, high: 0.7, text: "of 24 <questions>" },
  { x: 512, y: 1, low: 0.86, high: 1 },
];

Deno.test("curveFigure draws a series from left to right with the two sides of its intervals", () => {
  const { data, layout } = plain(curveFigure({ ...titles, series: [{ name: "a", points }] }));
  assertEquals([data[0].x, data[0].y], [[512, 2048], [1, 0.5]]);
  assertAlmostEquals(data[0].error_y.arrayminus[1], 0.2, 1e-12);
  assertAlmostEquals(data[0].error_y.array[1], 0.2, 1e-12);
  assertEquals([layout.xaxis.title.text, layout.yaxis.title.text], [titles.xTitle, titles.yTitle]);
  assertStringIncludes(data[0].text[1], "0.3 to 0.7");
  assertStringIncludes(data[0].text[1], "of 24 &lt;questions&gt;");
});

Deno.test("curveFigure leaves intervals out where none is given", () => {
  const { data } = plain(curveFigure({ ...titles, series: [{ name: "a", points: [{ x: 1, y: 2 }] }] }));
  assertFalse("error_y" in data[0]);
});

Deno.test("curveFigure holds every point and interval inside its axes, on both scales", () => {
  const value = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(fc.record({ x: value, y: value }), { minLength: 1, maxLength: 30 }),
      fc.constantFrom("linear", "log"),
      (list, scale) => {
        const series = [{ name: "a", points: list.map(({ x, y }) => ({ x, y, low: y / 2, high: 2 * y })) }];
        const options = { xScale: scale as "linear" | "log", yScale: scale as "linear" | "log" };
        const { layout } = plain(curveFigure({ ...titles, ...options, series }));
        const at = (number: number) => scale === "log" ? Math.log10(number) : number;
        for (const { x, y } of list) {
          assert(layout.xaxis.range[0] < at(x) && at(x) < layout.xaxis.range[1]);
          assert(layout.yaxis.range[0] < at(y / 2) && at(2 * y) < layout.yaxis.range[1]);
        }
      },
    ),
    { seed: 7, numRuns: 100 },
  );
});

Deno.test("curveFigure's ticks stand where was measured, and none touches its neighbour", () => {
  const lengths = Array.from({ length: 12 }, (_, i) => 512 << i);
  const series = [{ name: "a", points: lengths.map((x) => ({ x, y: 1 })) }];
  const { xaxis } = plain(curveFigure({ ...titles, xScale: "log", series }).layout);
  assertEquals([xaxis.ticktext[0], xaxis.ticktext.at(-1)], ["512", "1,048,576"]);
  assert(xaxis.tickvals.every((value: number) => lengths.includes(value)));
  assert(xaxis.tickvals.length < lengths.length, "twelve labels don't fit");
});

Deno.test("curveFigure marks chance and a value of x", () => {
  const mark = { x: 512, text: "trained" };
  const { shapes, annotations } = plain(
    curveFigure({ ...titles, xScale: "log", series: [{ name: "a", points }], chance: 0.25, mark }).layout,
  );
  assertEquals([shapes[0].y0, shapes[1].x0], [0.25, 512]);
  assertEquals(annotations.map(({ text }: { text: string }) => text), ["chance", "trained"]);
  assertAlmostEquals(annotations[1].x, Math.log10(512), 1e-12);
});

Deno.test("curveFigure of a million points stays under its limit and keeps the extremes", () => {
  const many = Array.from({ length: 1_000_000 }, (_, x) => ({ x, y: Math.sin(x), low: -1, high: 1 }));
  many[654_321] = { x: 654_321, y: 99, low: 98, high: 100 };
  const figure = curveFigure({ ...titles, series: [{ name: "a", points: many }] });
  assert(figureBytes(figure) <= FIGURE_BYTES);
  assert(plain(figure.data[1].y).includes(99));
  assertEquals([figure.data[0].fill, plain(figure.data[1].x)[0]], ["toself", 0]);
});

Deno.test("curveFigure names the value it can't draw", () => {
  const draw = (x: number, y: number, xScale?: "log") =>
    curveFigure({ ...titles, xScale, series: [{ name: "mine", points: [{ x, y }] }] });
  assertThrows(() => draw(1, NaN), RangeError, 'y of point 0 of "mine" is NaN');
  assertThrows(() => draw(0, 1, "log"), RangeError, "logarithmic axis takes numbers above 0");
});

Deno.test("curveFigure of nothing is a figure all the same", () => {
  assertEquals(curveFigure({ ...titles, series: [] }).data, []);
});
