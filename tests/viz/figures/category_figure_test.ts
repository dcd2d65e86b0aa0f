import { assertEquals, assertThrows } from "@std/assert";
import { categoryFigure } from "../../../lib/viz/mod.ts";

const points = [{ name: "<s>", value: 0.5, low: 0.25, high: 1, text: "a < b" }, { name: "original", value: 0 }];

Deno.test("categoryFigure draws a row for each category, with its interval", () => {
  const { data: [trace] } = categoryFigure({ title: "", valueTitle: "exact match", points });
  assertEquals([trace.x, trace.y], [[0.5, 0], ["&lt;s&gt;", "original"]]);
  const bars = trace.error_x as Record<string, number[]>;
  assertEquals([bars.array, bars.arrayminus], [[0.5, 0], [0.25, 0]]);
  assertEquals((trace.text as string[])[0], "<b>&lt;s&gt;</b><br>exact match 0.5 (0.25 to 1)<br>a &lt; b");
});

Deno.test("categoryFigure marks a value, and grows with its categories", () => {
  const mark = { value: 0.5, text: "baseline" };
  const { layout } = categoryFigure({ title: "", valueTitle: "", points, mark });
  assertEquals((layout.shapes as { x0: number }[])[0].x0, 0.5);
  const many = Array.from({ length: 10 }, (_, index) => ({ name: `${index}`, value: 0 }));
  const larger = categoryFigure({ title: "", valueTitle: "", points: many });
  assertEquals(Number(larger.layout.height) > Number(layout.height), true);
});

Deno.test("categoryFigure refuses what can't be drawn", () => {
  assertThrows(
    () => categoryFigure({ title: "", valueTitle: "", points: [{ name: "k", value: NaN }] }),
    RangeError,
    "k is NaN",
  );
});
