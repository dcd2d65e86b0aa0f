import { type DemoRow, exactMatchInterval, parseDemoRow } from "../../lib/evaluation/mod.ts";
import { readText } from "../../lib/platform.ts";
import { curveFigure, type Figure } from "../../lib/viz/mod.ts";

/** What a figure needs of a row. */
export interface DrawnRow extends DemoRow {
  /** Tokens of the longest context over those that the model was trained with. */
  readonly timesTrained: number;
}

/**
 * Exact match against length, a curve for each method. Bars take each question as a trial (the rows' own intervals take each
 * haystack as one where all answers agree, and span nearly everything where there are one or two).
 */
export function needleFigure(rows: readonly DrawnRow[]): Figure {
  const [first] = rows;
  const trained = first && Math.round(first.length / first.timesTrained);
  return curveFigure({
    title: "",
    xTitle: "length of the context (tokens)",
    xScale: "log",
    yTitle: "exact match (share; bars: 95 % over questions)",
    yRange: [0, 1.02],
    series: [...new Set(rows.map(({ method }) => method))].map((name) => ({
      name,
      points: rows.filter(({ method }) => method === name).map((
        { length, exact, questions, haystacks },
      ) => ({
        x: length,
        y: exact,
        ...exactMatchInterval(Math.round(exact * questions), questions),
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
export async function readRows(file: string | URL): Promise<DrawnRow[]> {
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
