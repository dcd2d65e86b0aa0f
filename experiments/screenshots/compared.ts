import { readText } from "../../lib/platform.ts";
import { type Figure, gridFigure, paretoFigure } from "../../lib/viz/mod.ts";
import { exactGrid, reportedRows } from "../compare/record.ts";
import { isRival } from "../compare/pareto.ts";
import { parseRows } from "../compare/rows.ts";

/** The length at which costs are set against what is found. */
const LENGTH = 2048;

/** Two digits: what some 50 questions can tell. */
function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(100 * value) / 100;
}

/** Figures of the committed comparison of methods. */
export async function comparedFigures(): Promise<Record<string, Figure>> {
  const file = new URL("../records/compare/methods.json", import.meta.url);
  const rows = parseRows(file.href, await readText(file));
  const { methods: bestFirst, tests, at } = exactGrid(rows);
  // The first line of a grid is its lowest.
  const methods = bestFirst.toReversed();
  const points = (variant: string) =>
    reportedRows(rows).filter((row) => row.length === LENGTH && row.variant === variant && isRival(row))
      .map(({ method: name, readBytes, exact: y, low, high }) => ({ name, x: readBytes! / 2 ** 20, y, low, high }));
  return {
    compare_grid: gridFigure({
      title: "Exact match of each method",
      xTitle: "length (tokens) and what is hidden",
      yTitle: "method",
      xLabels: tests.map(({ label }) => label),
      yLabels: methods,
      values: methods.map((method) => tests.map((test) => rounded(at(method, test)?.exact))),
      range: [0, 1],
      colorTitle: "exact match (share)",
    }),
    compare_read: paretoFigure({
      title: `Chains in ${LENGTH.toLocaleString("en-US")} tokens: what is found, and what a token reads for it`,
      xTitle: "keys and values read for a token, scoring included (MiB)",
      yTitle: "exact match (share)",
      xScale: "log",
      points: points("chain"),
    }),
  };
}
