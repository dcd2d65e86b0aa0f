import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { figureForPrint, figureInMillimetres } from "../../../experiments/figures/print_size.ts";
import { curveFigure } from "../../../lib/viz/mod.ts";

const named = (count: number) =>
  curveFigure({
    title: "A title",
    xTitle: "x",
    yTitle: "y",
    series: Array.from(
      { length: count },
      (_, i) => ({ name: `a long name ${i}`, points: [{ x: 1, y: 1 }, { x: 2, y: i }] }),
    ),
  });

Deno.test("figureInMillimetres gives the printed width in points, letters of 7.5 points", () => {
  const { pixels, points } = figureInMillimetres(named(1), "column");
  assertAlmostEquals(points.width, 84 / 25.4 * 72, 0.01);
  assertAlmostEquals(14 * points.width / pixels.width, 7.5, 0.02);
  assertAlmostEquals(points.height / points.width, pixels.height / pixels.width, 0.001);
  assert(figureInMillimetres(named(1), "page").pixels.width > 2 * pixels.width);
});

Deno.test("figureInMillimetres scales a figure of fixed width as a whole", () => {
  const fixed = { data: [], layout: { autosize: false, width: 1000, height: 500 } };
  const { pixels, points } = figureInMillimetres(fixed, 127);
  assertEquals([pixels, points], [{ width: 1000, height: 500 }, { width: 360, height: 180 }]);
});

Deno.test("figureForPrint puts the legend of a narrow figure below, with room for its rows", () => {
  const figure = named(5);
  assertEquals(figureForPrint(figure, 900), figure);
  const narrow = figureForPrint(figure, 444).layout as { height: number; margin: { b: number }; legend: { y: number } };
  assert(narrow.height > Number(figure.layout.height) && narrow.margin.b > 100 && narrow.legend.y < 0);
  const wide = figureForPrint(figure, 600).layout as { height: number };
  assert(wide.height < narrow.height, "fewer rows where there is more room");
});

Deno.test("figureForPrint breaks a long title into lines and makes room for them", () => {
  const title = "A title of so many words that no column of a paper is wide enough for it";
  const figure = curveFigure({ title, xTitle: "x", yTitle: "y", series: [] });
  const layout = figureForPrint(figure, 444).layout as {
    title: { text: string };
    height: number;
    margin: { t: number };
  };
  const lines = layout.title.text.split("<br>");
  assertEquals(lines.join(" "), title);
  assert(lines.length > 1 && lines.every((line) => line.length < 44));
  assertEquals(layout.height - Number(figure.layout.height), (lines.length - 1) * 21);
});
