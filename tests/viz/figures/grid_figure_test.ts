import { assert, assertEquals, assertFalse, assertStringIncludes, assertThrows } from "@std/assert";
import { gridFigure } from "../../../lib/viz/mod.ts";
import { plain } from "../plain.ts";

const grid = {
  title: "Exact match",
  xTitle: "chunk size (tokens)",
  yTitle: "k (tokens)",
  xLabels: ["16", "32"],
  yLabels: ["4", "8", "16"],
  values: [[0, 0.25], [0.5, null], [0.75, 1]],
};

Deno.test("gridFigure has rows of y from the bottom up and columns of x, both named", () => {
  const { data, layout } = plain(gridFigure(grid));
  assertEquals(data[0].z, grid.values);
  assertEquals([layout.xaxis.ticktext, layout.yaxis.ticktext], [grid.xLabels, grid.yLabels]);
  assert(layout.yaxis.range[0] < layout.yaxis.range[1]);
  assertEquals(data[0].text[2][0], "chunk size (tokens): 16<br>k (tokens): 16<br><b>0.75</b>");
  assertStringIncludes(data[0].text[1][1], "not measured");
});

Deno.test("gridFigure takes the colour scale's ends, a colour title and words", () => {
  const text = [["a", "b"], ["c", null], ["<e>", "f"]];
  const [trace] = plain(gridFigure({ ...grid, range: [-1, 1], colorTitle: "share", text }).data);
  assertEquals([trace.zmin, trace.zmax, trace.colorbar.title.text], [-1, 1, "share"]);
  assertStringIncludes(trace.text[2][0], "&lt;e&gt;");
  assertFalse("zmin" in plain(gridFigure(grid).data[0]));
});

Deno.test("gridFigure refuses values that don't match the labels", () => {
  assertThrows(
    () => gridFigure({ ...grid, values: [[0, 1]] }),
    RangeError,
    "has 1 rows, not one for each of 3 yLabels",
  );
  const values = [[0, 1], [0], [1, 1]];
  assertThrows(() => gridFigure({ ...grid, values }), RangeError, "row 1 of values has 1 cells, not one for each of 2");
  assertThrows(() => gridFigure({ ...grid, text: [] }), RangeError, "(text)");
});

Deno.test("gridFigure refuses a grid that would pass the limit of a figure", () => {
  const labels = Array.from({ length: 400 }, (_, i) => String(i));
  const values = labels.map(() => labels.map(() => 0.5));
  assertThrows(
    () => gridFigure({ ...grid, xLabels: labels, yLabels: labels, values }),
    RangeError,
    "more than 2000000",
  );
});
