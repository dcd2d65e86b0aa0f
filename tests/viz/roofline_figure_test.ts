import { assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { rooflineFigure } from "../../lib/viz/mod.ts";
import { plain } from "./plain.ts";

const limits = { title: "", flops: 60e12, bytesPerSecond: 3e12 };

Deno.test("rooflineFigure draws the roof with its ridge, and each point with its share of the roof above it", () => {
  const groups = [
    { name: "matmul", points: [{ name: "matmul <4096>", intensity: 500, flops: 30e12 }] },
    { name: "one row", points: [{ name: "1x2048x2048", intensity: 0.5, flops: 0.75e12 }] },
  ];
  const { data: [roof, matmul, row] } = plain(rooflineFigure({ ...limits, groups }));
  const { x, y } = roof as unknown as { x: number[]; y: number[] };
  assertEquals(x[1], 20);
  assertEquals(y.slice(1), [60e12, 60e12]);
  assertAlmostEquals(y[0] / x[0], 3e12, 1);
  assertEquals(matmul.hovertext, [
    "<b>matmul &lt;4096&gt;</b><br>500 operations a byte<br>30 TFLOP/s, 50 % of the roof",
  ]);
  assertStringIncludes((row.hovertext as string[])[0], "50 % of the roof");
});

Deno.test("rooflineFigure names what a logarithmic axis can't hold", () => {
  const groups = [{ name: "a", points: [{ name: "idle", intensity: 1, flops: 0 }] }];
  assertThrows(() => rooflineFigure({ ...limits, groups }), RangeError, 'flops of "idle" is 0');
  assertThrows(() => rooflineFigure({ ...limits, bytesPerSecond: NaN, groups: [] }), RangeError, "bytesPerSecond");
});
