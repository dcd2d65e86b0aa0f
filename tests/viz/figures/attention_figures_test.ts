import { assert, assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  attentionEntropy,
  attentionMapFigure,
  type AttentionWeights,
  entropyFigure,
  FIGURE_BYTES,
  figureBytes,
  headGridFigure,
  positionIdsFigure,
  scoresFigure,
  shadedTextFigure,
} from "../../../lib/viz/mod.ts";
import { plain } from "../plain.ts";

const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);
const words = range(0, 200).map((i) => ` w${i}`);
const text = (start: number, end: number) => words.slice(start, end).join("");

/** Equal weights over what each query can see. */
function even(queries: number[], positions: number[], rest: Partial<AttentionWeights> = {}): AttentionWeights {
  const weights = queries.flatMap((query) => {
    const seen = positions.filter((position) => position <= query).length;
    return positions.map((position) => position <= query ? 1 / seen : 0);
  });
  return { layer: 2, head: 5, queries, positions, weights, ...rest };
}

const positions = [0, 1, 40, 41, 42, 90, 97, 98, 99];
const attention = even([98, 99], positions, { globalCount: 2, windowStart: 97 });

Deno.test("attentionMapFigure names attended tokens by their place in the source and their text", () => {
  const { data, layout } = plain(attentionMapFigure({ attention, text, needle: { start: 41, end: 43 } }));
  assertEquals([data[0].z.length, data[0].z[0].length], [2, 9]);
  assertEquals(data[0].z[0][8], 0);
  assertStringIncludes(data[0].x[2], "40: ");
  assertStringIncludes(data[0].x[2], "<b>·w40</b> w41");
  assertEquals(layout.xaxis.ticktext[2], "·w40");
  assertEquals(layout.title.text, "Attention of layer 2, head 5");
});

Deno.test("attentionMapFigure shows where the source has gaps and what the columns are", () => {
  const { data, layout } = plain(attentionMapFigure({ attention, needle: { start: 41, end: 43 } }));
  const lines = layout.shapes.filter(({ type }: { type: string }) => type === "line");
  assertEquals(lines.map(({ x0 }: { x0: number }) => x0), [1.5, 4.5, 5.5]);
  const strip = layout.shapes.filter(({ type }: { type: string }) => type === "rect");
  // Leading tokens, a selected one, two of the needle, a selected one, the window.
  assertEquals(strip.map(({ x0, x1 }: { x0: number; x1: number }) => x1 - x0), [2, 1, 2, 1, 3]);
  const keys = data.slice(1).map(({ name }: { name: string }) => name);
  assertEquals(keys, ["leading tokens", "selected", "needle", "window"]);
});

Deno.test("attentionMapFigure before selection lies along the whole context, its marks where the attended tokens are", () => {
  const before = even([98, 99], range(0, 100));
  const { data, layout } = plain(attentionMapFigure({ attention, before }));
  const whole = data.find(({ xaxis }: { xaxis: string }) => xaxis === "x2");
  assertEquals([whole.x[0], whole.x[99]], [0, 99]);
  const marks = layout.shapes.filter(({ xref, type }: { xref: string; type: string }) =>
    xref === "x2" && type === "rect"
  );
  assertEquals(marks.map(({ x0, x1 }: { x0: number; x1: number }) => [x0 + 0.5, x1 - 0.5]), [
    [0, 1],
    [40, 42],
    [90, 90],
    [97, 99],
  ]);
});

Deno.test("attentionMapFigure puts columns that stand for several tokens over the middle of them", () => {
  const before = { ...even([98, 99], range(0, 25).map((bin) => 4 * bin)), binTokens: 4 };
  const { data, layout } = plain(attentionMapFigure({ attention, before }));
  const whole = data.find(({ xaxis }: { xaxis: string }) => xaxis === "x2");
  assertEquals([whole.x[0], whole.x[24], layout.xaxis2.range], [1.5, 97.5, [-0.5, 99.5]]);
});

Deno.test("attentionMapFigure of 512 queries and a million positions stays under its limit, and its rows' weights add up", () => {
  const long = range(0, 1_000_000);
  const weights = new Float32Array(4 * long.length).fill(1 / long.length);
  const before = { ...attention, queries: range(999_996, 1_000_000), positions: long, weights };
  const many = even(range(4000, 4512), range(0, 4512).filter((position) => position % 3 > 0));
  const figure = attentionMapFigure({ attention: many, before, text: (a) => `token ${a}` });
  assert(figureBytes(figure) <= FIGURE_BYTES);
  const [drawn, , ,] = plain(figure.data);
  for (const row of drawn.z) assertAlmostEquals(row.reduce((a: number, b: number) => a + b), 1, 0.01);
});

Deno.test("attention figures say what doesn't fit", () => {
  const short = { ...attention, weights: [1] };
  assertThrows(() => attentionMapFigure({ attention: short }), RangeError, "2 queries and 9 positions need 18");
  const mixed = { ...attention, positions: [...positions].reverse() };
  assertThrows(
    () => attentionMapFigure({ attention: mixed }),
    RangeError,
    "positions must rise, but 99 stands before 98",
  );
  assertThrows(() => headGridFigure({ heads: [attention, attention] }), RangeError, "layer 2, head 5 stands twice");
  assertThrows(() => headGridFigure({ heads: [] }), RangeError, "no head");
  assertThrows(() => shadedTextFigure({ positions, weights: [1], text }), RangeError, "9 positions and 1 weights");
  const curves = [{ name: "a", scores: [1] }, { name: "b", scores: [1, 2] }];
  assertThrows(() => scoresFigure({ curves }), RangeError, '"b" has 2 scores, "a" 1');
});

Deno.test("headGridFigure puts every head in its place, scaled to its own greatest weight", () => {
  const heads = [0, 1].flatMap((layer) => [0, 1, 2].map((head) => ({ ...even([99], [0, 50, 99]), layer, head })));
  const peak = { ...heads[4], weights: [0.1, 0.8, 0.1] };
  const { data } = plain(headGridFigure({ heads: [...heads.filter((head) => head !== heads[4]), peak] }));
  // Pictures of one row and three columns, one cell of nothing between.
  assertEquals([data[0].z.length, data[0].z[0].length], [3, 11]);
  assertEquals(data[0].z[2].slice(4, 7), [0.13, 1, 0.13]);
  assertEquals(data[0].z[0].slice(0, 4), [1, 1, 1, null]);
  const words = data[1].text.find((words: string) => words.includes("layer 1, head 1"));
  assertStringIncludes(words, "greatest weight 0.8");
});

Deno.test("headGridFigure of 32 layers of 32 heads stays under its limit", () => {
  const one = even(range(480, 512), range(0, 512));
  const heads = range(0, 32).flatMap((layer) => range(0, 32).map((head) => ({ ...one, layer, head })));
  assert(figureBytes(headGridFigure({ heads })) <= FIGURE_BYTES);
});

Deno.test("shadedTextFigure begins a line where tokens were left out, and shows weights behind words", () => {
  const weights = positions.map((position) => position === 41 ? 0.6 : 0.05);
  const { data, layout } = plain(shadedTextFigure({ positions, weights, text, needle: { start: 41, end: 43 } }));
  assertEquals(layout.yaxis.ticktext, ["0", "40", "90", "97"]);
  assertEquals(data[0].y, [0, 0, 1, 1, 1, 2, 3, 3, 3]);
  assertEquals(data[0].base.slice(2, 5), [0, 4, 8]);
  assertEquals(data[0].marker.color[3], 0.6);
  assertEquals(layout.shapes.length, 2);
});

Deno.test("shadedTextFigure breaks its lines where the room across ends", () => {
  const many = range(0, 100);
  const lines = (pixels?: number) => {
    const { data, layout } = plain(shadedTextFigure({ positions: many, weights: many, text: () => "four", pixels }));
    return { lines: 1 + Math.max(...data[0].y), width: layout.width };
  };
  assertEquals(lines(), { lines: 4, width: 980 });
  assertEquals(lines(2000), lines());
  assertEquals(lines(640), { lines: 8, width: 80 + 56 * 7.9 + 110 });
  assertEquals(lines(0).lines, 10);
  assertThrows(() => lines(NaN), RangeError, "pixels NaN must be a number of at least 0");
});

Deno.test("shadedTextFigure keeps the heaviest spans of very long lists, and survives hostile tokens", () => {
  const many = range(0, 40_000).filter((position) => position % 11 < 10);
  const weights = many.map((position) => position >= 22_000 && position < 22_010 ? 0.09 : 1e-6);
  const hostile = (start: number) => start === 22_003 ? `<script>${"x".repeat(1_000_000)}` : " word";
  const figure = shadedTextFigure({ positions: many, weights, text: hostile });
  assert(figureBytes(figure) <= FIGURE_BYTES);
  const { data, layout } = plain(figure);
  assert(layout.yaxis.ticktext.includes("22,000"));
  assertStringIncludes(layout.xaxis.title.text, "attended tokens with less weight are not shown");
  assert(data[1].text.every((shown: string) => !shown.includes("<")));
});

Deno.test("attentionEntropy is 0 for one token, the logarithm for equal weights, and a mean over queries", () => {
  assertEquals(attentionEntropy({ weights: [1, 0], queries: [0] }) + 0, 0);
  assertAlmostEquals(attentionEntropy({ weights: [0.25, 0.25, 0.25, 0.25], queries: [3] }), Math.log(4), 1e-12);
  assertAlmostEquals(attentionEntropy({ weights: [1, 0, 0.5, 0.5], queries: [0, 1] }), Math.log(2) / 2, 1e-12);
});

Deno.test("entropyFigure draws nats above and their share of the logarithm below, and tells layers apart", () => {
  const points = [0, 1].flatMap((layer) =>
    [512, 8192].map((length) => ({ method: "full", layer, length, attended: length, entropy: Math.log(length) / 2 }))
  );
  const { data, layout } = plain(entropyFigure({ points, trainedContext: 512 }));
  assertAlmostEquals(data[0].y[1], Math.log(8192) / 2, 1e-12);
  assertEquals([data[1].y, data[1].yaxis], [[0.5, 0.5], "y2"]);
  assertEquals(data.slice(4).map(({ name }: { name: string }) => name), ["full", "layer 0", "layer 1"]);
  assertEquals([layout.yaxis.title.text, layout.shapes.length], ["entropy (nats)", 2]);
  assertThrows(() => entropyFigure({ points: [{ ...points[0], entropy: NaN }] }), RangeError, "entropy of");
});

Deno.test("positionIdsFigure says which ids lie beyond the trained context", () => {
  const points = [{ method: "full", length: 8192, largest: 8191 }, {
    method: "reattention",
    length: 8192,
    largest: 511,
  }];
  const { data, layout } = plain(positionIdsFigure({ points, trainedContext: 512 }));
  assertStringIncludes(data[0].text[0], "7,680 beyond the trained 512");
  assertStringIncludes(data[1].text[0], "inside the trained 512");
  assertEquals(layout.shapes[0].y0, 512);
});

Deno.test("scoresFigure of a million positions keeps every stretch's greatest score, and marks what was picked", () => {
  const scores = new Float32Array(1_000_000).fill(-1);
  scores[654_321] = 9;
  scores[999_999] = NaN;
  const curves = [{ name: "position-agnostic", scores, picked: [654_321] }, { name: "rotated", scores }];
  const figure = scoresFigure({ curves, needle: { start: 654_320, end: 654_330 }, text: () => "word " });
  assert(figureBytes(figure) <= FIGURE_BYTES);
  const { data, layout } = plain(figure);
  assertEquals(Math.max(...data[1].y), 9);
  assertEquals([data[2].x, data[2].y], [[654_321], [9]]);
  assertEquals(layout.shapes.map(({ xref }: { xref: string }) => xref), ["x", "x2"]);
  assertStringIncludes(data[1].text[Math.floor(654_321 / 667)], "best 654,321");
});
