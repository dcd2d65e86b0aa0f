import { parseDemoRow } from "../../lib/evaluation/mod.ts";
import { readText } from "../../lib/platform.ts";
import { curveFigure, type Figure } from "../../lib/viz/mod.ts";
import type { NeedleRow } from "./run.ts";

/** What a figure needs of a row. */
export type DrawnRow = Pick<
  NeedleRow,
  "method" | "length" | "haystacks" | "questions" | "exact" | "low" | "high" | "timesTrained"
>;

/**
 * Exact match against length, a curve for each method. Of rows of the same method and length the one with most questions is
 * drawn.
 */
export function needleFigure(rows: readonly DrawnRow[]): Figure {
  const best = new Map<string, DrawnRow>();
  for (const row of rows) {
    const key = JSON.stringify([row.method, row.length]);
    if (row.questions > (best.get(key)?.questions ?? 0)) best.set(key, row);
  }
  const drawn = [...best.values()].sort((a, b) => a.length - b.length);
  const trained = drawn.length > 0 ? Math.round(drawn[0].length / drawn[0].timesTrained) : undefined;
  return curveFigure({
    title: "",
    xTitle: "length of the context (tokens)",
    xScale: "log",
    yTitle: "exact match (share)",
    yRange: [0, 1],
    series: [...new Set(drawn.map(({ method }) => method))].map((name) => ({
      name,
      points: drawn.filter(({ method }) => method === name).map((
        { length, exact, low, high, questions, haystacks },
      ) => ({
        x: length,
        y: exact,
        low,
        high,
        text: `${Math.round(exact * questions)} of ${questions} in ${haystacks} haystack${haystacks === 1 ? "" : "s"}`,
      })),
    })),
    ...(trained !== undefined && { mark: { x: trained, text: `trained with ${trained}` } }),
  });
}

/**
 * Rows that `--json` wrote.
 *
 * @throws {RangeError} for a file of other rows, naming it.
 */
export async function readRows(file: string): Promise<DrawnRow[]> {
  const text = await readText(file);
  try {
    return (JSON.parse(text) as unknown[]).map((row) => {
      const { timesTrained } = row as { timesTrained?: unknown };
      if (typeof timesTrained !== "number" || !(timesTrained > 0)) throw new RangeError("timesTrained must be above 0");
      return { ...parseDemoRow(row), timesTrained };
    });
  } catch (error) {
    throw new RangeError(`${file} holds no rows of deno task needle: ${(error as Error).message}`, { cause: error });
  }
}
