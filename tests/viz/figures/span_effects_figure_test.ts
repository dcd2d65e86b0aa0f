import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { figureBytes, type SpanEffectPoint, spanEffectsFigure } from "../../../lib/viz/mod.ts";
import { plain } from "../plain.ts";

const span = (start: number, change: number, votes: number): SpanEffectPoint => {
  return { kind: "selected", start, end: start + 32, layers: [1, 3], votes, change };
};
const control = (kind: "window" | "random", change: number): SpanEffectPoint => {
  return { kind, start: 5000, end: 5032, layers: [0, 1, 2, 3], votes: 0, change };
};

Deno.test("spanEffectsFigure ranks spans by what the answer loses, votes beside, the needle's in its own colour", () => {
  const effects = [
    span(400, -0.2, 30),
    span(1000, -7, 5),
    control("random", 0.3),
    span(2000, 0.5, 1),
    control("window", -0.4),
  ];
  const { data, layout } = plain(spanEffectsFigure({
    effects,
    needle: { start: 1010, end: 1020 },
    text: (start, end) => `<b>${start}-${end}`,
  }));
  const [changes, votes, needle, key, window, random] = data;
  assertEquals(changes.x, [-7, -0.2, 0.5]);
  assertEquals(votes.x, [5, 30, 1]);
  assertEquals(changes.marker.color, [needle.marker.color, key.marker.color, key.marker.color]);
  const spans = ["1,000 to 1,031", "400 to 431", "2,000 to 2,031"];
  assertEquals(layout.yaxis.ticktext, [...spans, "window (1)", "not selected (1)"]);
  assertEquals(changes.text, ["−7", "−0.2", "0.5"]);
  assertEquals([window.x, random.x, window.y, random.y], [[-0.4], [0.3], [3], [4]]);
  assertEquals([layout.shapes[0].x0, layout.shapes[0].x1], [-0.4, 0.3]);
  assertStringIncludes(changes.hovertext[0], "layers 1, 3, 5 votes<br>−7 nats<br>&lt;b&gt;1000-1032");
  assertStringIncludes(window.hovertext[0], "of the window, taken away");
});

Deno.test("spanEffectsFigure shows the largest effects of many spans and says how many it left out", () => {
  const effects = Array.from({ length: 3000 }, (_, index) => span(40 * index, -index / 1000, index));
  const figure = spanEffectsFigure({ effects, text: () => "x".repeat(1e6) });
  const [changes, , key] = plain(figure.data);
  assertEquals([changes.x.length, changes.x[0]], [24, -2.999]);
  assertStringIncludes(key.name, "2,976 of less effect not shown");
  assert(figureBytes(figure) < 2e6);
});

Deno.test("spanEffectsFigure names what it can't draw", () => {
  assertThrows(() => spanEffectsFigure({ effects: [control("random", 0)] }), RangeError, "no selected span");
  assertThrows(
    () => spanEffectsFigure({ effects: [span(1, NaN, 1)] }),
    RangeError,
    "the change of selected tokens 1 to 32 is NaN",
  );
  assertThrows(() => spanEffectsFigure({ effects: [span(1, 0, 1)], most: 0 }), RangeError, "most 0");
});
