import { assertEquals, assertThrows } from "@std/assert";
import { parseNotebooksArguments } from "../../../experiments/notebooks/arguments.ts";
import type { Notebook, NotebookCell } from "../../../experiments/notebooks/notebook_file.ts";
import { outputFaults, storedNotebook } from "../../../experiments/notebooks/outputs.ts";

const figure = { output_type: "display_data", data: { "application/vnd.plotly.v1+json": { data: [] } } } as const;
const line = (text: string) => ({ output_type: "stream", name: "stdout", text }) as const;
const notebook = (...cells: Partial<NotebookCell>[]): Notebook => ({
  nbformat: 4,
  cells: cells.map((cell) => ({ cell_type: "code", source: "", ...cell })),
});

Deno.test("outputFaults names the cell whose figure is missing, and counts calls of show", () => {
  const source = "await show(a);\n// await show(b);\nawait show(c);";
  assertEquals(outputFaults(notebook({ source, outputs: [figure, figure] })), []);
  assertEquals(outputFaults(notebook({}, { source, outputs: [figure] })), [
    { kind: "missing", text: "cell 2: 1 of 2 figures" },
  ]);
  const words = { output_type: "display_data", data: { "text/plain": "figure" } } as const;
  assertEquals(outputFaults(notebook({ source: "await show(a)", outputs: [words] }))[0].kind, "missing");
});

Deno.test("outputFaults finds errors, lost lines, and outputs over 2 MB", () => {
  const error = { output_type: "error", ename: "RangeError", evalue: "k 0" } as const;
  assertEquals(outputFaults(notebook({ outputs: [error] })), [{ kind: "error", text: "cell 1: RangeError: k 0" }]);
  assertEquals(outputFaults(notebook({ source: "await print(1);" }))[0].kind, "missing");
  assertEquals(outputFaults(notebook({ outputs: [line("x".repeat(2_100_000))] }))[0].kind, "large");
});

Deno.test("storedNotebook puts lines together, leaves plotly.js out and keeps figures and small HTML", () => {
  const library = {
    output_type: "display_data",
    data: { "text/html": "x".repeat(600_000), "text/plain": "p" },
  } as const;
  const both = { ...figure, data: { ...figure.data, "text/html": "draws" } };
  const table = { output_type: "display_data", data: { "text/html": "<table></table>" } } as const;
  const { cells } = storedNotebook(notebook({ outputs: [line("a\n"), line("b\n"), library, both, table] }));
  assertEquals(cells[0].outputs, [
    line("a\nb\n"),
    { output_type: "display_data", data: { "text/plain": "p" } },
    figure,
    table,
  ]);
});

Deno.test("parseNotebooksArguments names what is wrong", () => {
  assertEquals(parseNotebooksArguments(["--only", "02"]).only, "02");
  assertThrows(() => parseNotebooksArguments(["--cell-seconds", "0"]), TypeError, '"0"');
  assertThrows(() => parseNotebooksArguments(["--write", "--twice"]), TypeError, "--twice");
  assertThrows(() => parseNotebooksArguments(["--only", ""]), TypeError, "--only");
});
