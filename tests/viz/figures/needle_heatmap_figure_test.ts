import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { needleHeatmapFigure } from "../../../lib/viz/mod.ts";
import { plain } from "../plain.ts";

const input = {
  title: "reattention",
  lengths: [512, 8192],
  depths: [0, 0.5, 1],
  values: [[1, 0.5], [1, 0], [1, null]],
};

Deno.test("needleHeatmapFigure shows lengths across and depths down, the context's start on top", () => {
  const { data, layout } = plain(needleHeatmapFigure(input));
  assertEquals(data[0].z, input.values);
  assertEquals(layout.xaxis.ticktext, ["512", "8,192"]);
  assertEquals(layout.yaxis.ticktext, ["0 %", "50 %", "100 %"]);
  assert(layout.yaxis.range[0] > layout.yaxis.range[1]);
});

Deno.test("needleHeatmapFigure's colours mean the same in every figure", () => {
  const [trace] = plain(needleHeatmapFigure({ ...input, values: [[1, 1], [1, 1], [1, 1]] }).data);
  assertEquals([trace.zmin, trace.zmax], [0, 1]);
});

Deno.test("needleHeatmapFigure tells how many questions were asked", () => {
  const same = plain(needleHeatmapFigure({ ...input, questions: 8 }).data[0]).text;
  assertEquals(same[0][1], "8,192 tokens, needle at 0 % of the context<br><b>50 % right of 8 questions</b>");
  assertStringIncludes(same[2][1], "not asked");
  const own = plain(needleHeatmapFigure({ ...input, questions: [[1, 2], [3, 4], [5, null]] }).data[0]).text;
  assertStringIncludes(own[1][1], "0 % right of 4 questions");
});

Deno.test("needleHeatmapFigure refuses what is no share, and grids of other sizes", () => {
  const values = [[1, 1.5], [1, 1], [1, 1]];
  assertThrows(() => needleHeatmapFigure({ ...input, values }), RangeError, "value 1 of row 0 is 1.5");
  assertThrows(() => needleHeatmapFigure({ ...input, depths: [0, 50, 100] }), RangeError, "depth 1 is 50");
  assertThrows(() => needleHeatmapFigure({ ...input, lengths: [512] }), RangeError, "has 2 cells");
});
