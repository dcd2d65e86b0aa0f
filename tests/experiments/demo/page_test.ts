import { assertFalse, assertGreater, assertStringIncludes } from "@std/assert";
import { demoPage } from "../../../experiments/demo/page.ts";
import { readPlotlySource } from "../../../lib/viz/page/plotly_source.ts";
import type { DemoPicture } from "../../../experiments/demo/run.ts";
import { exampleRow } from "./rows.ts";

const words = Array.from({ length: 8190 }, (_, index) => index === 0 ? "<s>" : `w${index}`);
const group = {
  indices: Uint32Array.of(0, 4000, 4001, 8189),
  centers: Uint32Array.of(4000),
  votes: Uint32Array.of(5),
  globalCount: 1,
  windowStart: 8189,
};
const picture: DemoPicture = {
  method: "reattention",
  length: 8192,
  cached: 8190,
  prompt: "question : what is secret code of K1 ? answer secret code of K1",
  answer: { haystack: 0, name: "K1", depth: 0.49, expected: "001 002", answer: "001 002", correct: true },
  needle: { start: 4000, end: 4007 },
  questionStart: 8176,
  text: (start, end) => words.slice(start, end).join(" "),
  layers: [
    { layer: 0, groups: [group], picks: [] },
    { layer: 1, groups: [{ ...group, indices: Uint32Array.of(0, 8189) }], picks: [] },
  ],
};
const page = {
  rows: [exampleRow()],
  trainedContext: 512,
  machine: "a machine",
  date: "2026-01-31",
  plotlySource: "var Plotly;",
};

Deno.test("demoPage shows the rows, the machine and the picture's question", () => {
  const html = demoPage({ ...page, picture });
  for (const part of ["<td>reattention</td>", "a machine", "2026-01-31", "16 times what the model"]) {
    assertStringIncludes(html, part);
  }
  assertStringIncludes(html, "1 of 2 layers attended to tokens of the needle");
  assertStringIncludes(html, "at most 4 of 8,190 tokens");
  assertStringIncludes(html, 'getElementById("figure-1")');
  // The hover text of the first token: in the script, escaped for plotly.
  assertStringIncludes(html, "\\u003cbr>&lt;s&gt;");
});

Deno.test("demoPage goes without picture", () => {
  const html = demoPage(page);
  assertStringIncludes(html, 'getElementById("figure-0")');
  assertFalse(html.includes("figure-1"));
});

Deno.test("readPlotlySource gives plotly's text", async () => {
  const source = await readPlotlySource();
  assertGreater(source.length, 1_000_000);
  assertStringIncludes(source.slice(0, 200), "plotly.js");
});
