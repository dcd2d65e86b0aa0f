import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { paretoFigure } from "../../../lib/viz/mod.ts";
import { paretoFront } from "../../../lib/viz/figures/pareto_figure.ts";
import { plain } from "../plain.ts";

const titles = { title: "", xTitle: "attended tokens", yTitle: "exact match (share)" };

Deno.test("paretoFront holds exactly the points that no other beats", () => {
  const points = fc.array(fc.record({ x: fc.nat(8), y: fc.nat(8) }), { maxLength: 20 });
  const beats = (a: { x: number; y: number }, b: { x: number; y: number }) =>
    a.x <= b.x && a.y >= b.y && (a.x < b.x || a.y > b.y);
  fc.assert(
    fc.property(points, (list) => {
      const front = new Set(paretoFront(list));
      for (const point of list) {
        assertEquals(front.has(point), !list.some((other) => beats(other, point)), JSON.stringify(point));
      }
    }),
    { seed: 3, numRuns: 300 },
  );
});

Deno.test("paretoFigure draws the front as steps, with names on it and the others hollow", () => {
  const points = [
    { name: "k 16", x: 800, y: 0.9, low: 0.8, high: 1 },
    { name: "k 4", x: 200, y: 0.5 },
    { name: "<k> 8", x: 400, y: 0.9, text: "chunk 32" },
  ];
  const { data } = plain(paretoFigure({ ...titles, points }));
  const [front, on, off] = data;
  assertEquals([front.x, front.y, front.line.shape], [[200, 400], [0.5, 0.9], "hv"]);
  assertEquals(on.text, ["k 4", "&lt;k&gt; 8"]);
  assertStringIncludes(on.hovertext[1], "chunk 32");
  assertEquals([off.x, off.marker.symbol], [[800], "circle-open"]);
  assertStringIncludes(off.hovertext[0], "0.8 to 1");
});

Deno.test("paretoFigure leaves a name out where it would cover its neighbour's", () => {
  const points = Array.from({ length: 50 }, (_, i) => ({ name: `setting ${i}`, x: 100 + i, y: 0.5 + i / 1000 }));
  const [, on] = plain(paretoFigure({ ...titles, points }).data);
  const shown = on.text.filter((text: string) => text !== "");
  assert(shown.length > 0 && shown.length < 20, `${shown.length} names`);
  assertEquals(on.x.length, 50);
});

Deno.test("paretoFigure takes a logarithmic axis and names what it can't hold", () => {
  const points = [{ name: "a", x: 1, y: 1 }, { name: "b", x: 1000, y: 2 }];
  assertEquals(plain(paretoFigure({ ...titles, xScale: "log", points }).layout).xaxis.type, "log");
  const zero = [{ name: "free", x: 0, y: 1 }];
  assertThrows(() => paretoFigure({ ...titles, xScale: "log", points: zero }), RangeError, 'x of "free" is 0');
  assertThrows(() => paretoFigure({ ...titles, points: [{ name: "a", x: 1, y: Infinity }] }), RangeError, "Infinity");
});

Deno.test("paretoFigure of nothing is a figure all the same", () => {
  assertEquals(paretoFigure({ ...titles, points: [] }).data.length, 2);
});
