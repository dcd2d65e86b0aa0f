import { assertEquals, assertThrows } from "@std/assert";
import { mergeRows, parseRecord, type ShapesRow } from "../../../experiments/shapes/rows.ts";

const records = new URL("../../../experiments/records/shapes/", import.meta.url);

const step = (length: number, step: "decode" | "prefill", milliseconds: number): ShapesRow => ({
  kind: "step",
  model: "m",
  part: "layer",
  method: "full",
  step,
  length,
  rows: 1,
  gpuMilliseconds: milliseconds,
  wallMilliseconds: milliseconds,
  repeats: 1,
  bytes: 1,
  flops: 1,
  shareOfReading: null,
  scope: 1,
  cacheBytes: 1,
  peakBytes: 1,
});
const left = (length: number, reason: string): ShapesRow => ({
  kind: "left out",
  model: "m",
  part: "layer",
  method: "full",
  length,
  reason,
});

Deno.test("every committed record of shapes is one, with storage and without", () => {
  const files = [...Deno.readDirSync(records)].map(({ name }) => name).filter((name) => name.endsWith(".json"));
  for (const file of files) {
    const { rows } = parseRecord(file, Deno.readTextFileSync(new URL(file, records)));
    assertEquals(rows.length > 0, true, file);
  }
  const record = {
    machine: "x",
    date: "2026-01-31",
    readBytesPerSecond: 1,
    rows: [{ ...step(1, "decode", 1), storage: "int8" }],
  };
  assertEquals(parseRecord("f", JSON.stringify(record)).rows.length, 1);
});

Deno.test("what is no record is refused by name", () => {
  assertThrows(() => parseRecord("a.json", "{"), Error, "a.json is no JSON");
  const rows = [{ ...step(1, "decode", 1), storage: "f8" }];
  const text = JSON.stringify({ machine: "x", date: "", readBytesPerSecond: 1, rows });
  assertThrows(() => parseRecord("a.json", text), Error, "a.json holds no rows of shapes: rows.0.storage");
});

Deno.test("rows measured anew take the place of earlier ones, a step that of why it was left out", () => {
  const earlier = [step(8, "decode", 1), step(8, "prefill", 1), left(16, "prefill: too long"), left(32, "no room")];
  const measured = [step(8, "decode", 2), step(16, "prefill", 3), left(32, "still no room")];
  assertEquals(mergeRows(earlier, measured), [step(8, "prefill", 1), ...measured]);
  assertEquals(mergeRows([], measured), measured);
});
