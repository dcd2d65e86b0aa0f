import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { rowCells, tableHead, tableLine, tableNotes, telling } from "../../../experiments/demo/table.ts";
import { ORIGINAL_POSITIONS } from "../../../experiments/demo/plan.ts";
import { exampleRow } from "./rows.ts";

Deno.test("rowCells writes the figures as people read them", () => {
  assertEquals(rowCells(exampleRow()).map((cell) => cell.trim()), [
    ...["8,192", "reattention", "value", "1.00", "16 of 16 in 2", "0.79 to 1.00"],
    ...["1,235", "512", "62 MiB", "34.7 s"],
  ]);
});

Deno.test("tableLine keeps figures under their headings", () => {
  const [head, rule] = tableHead().split("\n");
  const longest = exampleRow({ method: "reattention-window", length: 16_777_216, questions: 100, peakBytes: 2 ** 36 });
  for (const row of [exampleRow(), longest, exampleRow({ scope: 131_071, allowBeyondTrained: true })]) {
    const line = tableLine(row);
    assertEquals(line.length, head.length);
    assertEquals(rule.length, head.length);
    // Where the rule has a blank between columns, no row has a letter.
    for (const { index } of rule.matchAll(/ {2}/g)) assertEquals(line.slice(index, index! + 2), "  ");
  }
});

Deno.test("tableLine marks rows that may pass the trained context, and the notes say what the mark means", () => {
  const marked = exampleRow({ method: "full", scope: 2047, allowBeyondTrained: true });
  assertMatch(tableLine(marked), / 2,047\* /);
  assertStringIncludes(tableNotes([marked], 512).join("\n"), "* run with allowBeyondTrained");
  assertEquals(tableNotes([exampleRow()], 512).some((note) => note.startsWith("*")), false);
});

Deno.test("rowCells and tableNotes tell what was hidden and how it was asked for", () => {
  const harder = exampleRow({ variant: "look-alike", opening: false, wording: "unseen" });
  assertEquals(rowCells(harder)[2], "look-alike, whole answer, new wording");
  const notes = tableNotes([harder, exampleRow({ variant: "chain" }), exampleRow({ method: ORIGINAL_POSITIONS })], 512);
  for (const start of ["look-alike: ", "whole answer: ", "new wording: ", "chain: ", "reattention (original): "]) {
    assertEquals(notes.filter((note) => note.startsWith(start)).length, 1, start);
  }
  assertStringIncludes(notes[0], "4 needles");
});

Deno.test("telling leaves out what was asked for where it is the same in all rows", () => {
  const labels = (...rows: ReturnType<typeof exampleRow>[]) => telling(rows).map(({ label }) => label);
  assertEquals(labels(exampleRow(), exampleRow({ length: 512 })).includes("asked for"), false);
  assertEquals(labels(exampleRow(), exampleRow({ opening: false })).includes("asked for"), true);
});

Deno.test("tableNotes says that reattention-window is not the paper's method", () => {
  const notes = tableNotes([exampleRow({ method: "reattention-window" })], 512).join("\n");
  assertStringIncludes(notes, "reattention-window is a variant of this toolkit, not of the paper");
});
