import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { selectedSpansFigure } from "../../../lib/viz/mod.ts";

const LENGTH = 131_072;
const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);
const group = (first: number, votes: number) => ({
  indices: [...range(0, 32), ...range(first, first + 32), ...range(LENGTH - 256, LENGTH)],
  centers: [first + 16],
  votes: [votes],
  globalCount: 32,
  windowStart: LENGTH - 256,
});
const layers = [
  { layer: 0, groups: [group(60_000, 2)] },
  { layer: 1, groups: [group(90_000, 8)] },
];
// deno-lint-ignore no-explicit-any -- plotly's data and layout are free-form
const plain = (value: unknown): any => value;

Deno.test("selectedSpansFigure has a row per layer and a trace per reason", () => {
  const { data, layout } = plain(selectedSpansFigure({ layers, length: LENGTH }));
  assertEquals(data.map(({ name }: { name: string }) => name), ["leading tokens", "window", "selected", "selected"]);
  assertEquals(layout.yaxis.ticktext, ["layer 0", "layer 1"]);
  const [leading, window, selected] = data;
  assertEquals([leading.base, leading.x, leading.y], [[0, 0], [32, 32], [0, 1]]);
  assertEquals([window.base, window.x], [[LENGTH - 256, LENGTH - 256], [256, 256]]);
  assertEquals([selected.base, selected.x, selected.y], [[60_000, 90_000], [32, 32], [0, 1]]);
});

Deno.test("selectedSpansFigure's spans keep a width in pixels in a long context", () => {
  const selected = plain(selectedSpansFigure({ layers, length: LENGTH }).data[2]);
  assert(selected.marker.line.width >= 2);
  assertEquals(selected.marker.line.color, selected.marker.color);
});

Deno.test("selectedSpansFigure colours spans by votes, up to the most", () => {
  const selected = plain(selectedSpansFigure({ layers, length: LENGTH }).data[2]);
  assertEquals([selected.marker.color, selected.marker.cmin, selected.marker.cmax], [[2, 8], 0, 8]);
});

Deno.test("selectedSpansFigure tells tokens, votes and text of a span, with what looks like HTML made harmless", () => {
  const text = (start: number, end: number) => `<s> from ${start} to ${end} & on`;
  const selected = plain(selectedSpansFigure({ layers, length: LENGTH, text }).data[2]);
  assertEquals(
    selected.text[1],
    "<b>layer 1</b>, selected: tokens 90,000 to 90,031, 8 votes<br>&lt;s&gt; from 90000 to 90032 &amp; on",
  );
});

Deno.test("selectedSpansFigure breaks long texts into lines and cuts them", () => {
  const text = (start: number, end: number) => range(start, end).map((token) => `w${token}`).join(" ");
  const [, window] = plain(selectedSpansFigure({ layers, length: LENGTH, text }).data);
  const lines = window.text[0].split("<br>");
  assert(lines.length > 3 && lines.slice(1).every((line: string) => line.length <= 62), window.text[0]);
  assertStringIncludes(lines.at(-1), "…");
});

Deno.test("selectedSpansFigure marks needle and question, and shows what is around the needle", () => {
  const needle = { start: 60_010, end: 60_017 };
  const { data, layout } = plain(selectedSpansFigure({ layers, length: LENGTH, needle, questionStart: LENGTH - 14 }));
  assertEquals(layout.annotations.map(({ text }: { text: string }) => text), ["needle", "question", "needle"]);
  assertEquals(layout.xaxis2.range, [needle.start - 128, needle.end + 128]);
  assertEquals(layout.shapes.map(({ x0, xref }: { x0: number; xref: string }) => [x0, xref]), [[60_010, "x"], [
    60_010,
    "x2",
  ]]);
  const near = data.filter(({ xaxis }: { xaxis: string }) => xaxis === "x2");
  assertEquals(near.map(({ base }: { base: number[] }) => base), [[60_000]]);
});

Deno.test("selectedSpansFigure gives every KV head a row where they select on their own", () => {
  const both = [{ layer: 3, groups: [group(500, 1), group(900, 1)] }];
  const { layout } = plain(selectedSpansFigure({ layers: both, length: LENGTH }));
  assertEquals(layout.yaxis.ticktext, ["layer 3, KV head 0", "layer 3, KV head 1"]);
});

Deno.test("selectedSpansFigure is higher for more rows", () => {
  const height = (count: number) =>
    Number(
      selectedSpansFigure({ layers: range(0, count).map((layer) => ({ ...layers[0], layer })), length: LENGTH }).layout
        .height,
    );
  assert(height(32) > height(4) + 500);
});

Deno.test("selectedSpansFigure refuses a length that is none", () => {
  assertThrows(() => selectedSpansFigure({ layers, length: 0 }), RangeError, "length 0");
});
