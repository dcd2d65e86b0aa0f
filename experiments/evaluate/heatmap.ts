import { keywordShare, readJsonLines } from "../../lib/evaluation/mod.ts";
import { type Figure, needleHeatmapFigure, type ReportSection } from "../../lib/viz/mod.ts";
import type { ScoredSet } from "./report.ts";

/** One answer of a grid. */
interface Cell {
  readonly length: number;
  readonly depth: number;
  /** Share of its keywords that it holds. */
  readonly found: number;
}

/** The answers in a prediction file of a grid. */
async function cellsOf(path: string): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const read of await readJsonLines(path)) {
    if (!("value" in read)) continue;
    const { context_length, depth_percent, prediction, gold } = read.value as Record<string, unknown>;
    const golds = Array.isArray(gold) ? gold : [gold];
    const found = keywordShare(String(prediction), golds.map((one) => String(one).split("*")[1])) / 100;
    cells.push({ length: Number(context_length), depth: Number(depth_percent) / 100, found });
  }
  return cells;
}

/** A heatmap of a needle grid from its prediction files: length across, depth down, share of keywords that answers hold. */
export async function gridHeatmap(paths: readonly string[], title: string): Promise<Figure> {
  const cells = (await Promise.all(paths.map(cellsOf))).flat();
  const sorted = (values: number[]) => [...new Set(values)].sort((a, b) => a - b);
  const [lengths, depths] = [sorted(cells.map(({ length }) => length)), sorted(cells.map(({ depth }) => depth))];
  const at = (length: number, depth: number) => cells.filter((cell) => cell.length === length && cell.depth === depth);
  const grid = <T>(value: (found: readonly Cell[]) => T) => {
    return depths.map((depth) => lengths.map((length) => value(at(length, depth))));
  };
  const share = (found: readonly Cell[]) => found.reduce((sum, cell) => sum + cell.found, 0) / found.length;
  return needleHeatmapFigure({
    title,
    lengths,
    depths,
    values: grid((found) => found.length > 0 ? share(found) : null),
    questions: grid((found) => found.length > 0 ? found.length : null),
  });
}

/** Heatmaps of a needle grid, one for each method. */
export async function heatmapSections(scored: readonly ScoredSet[]): Promise<ReportSection[]> {
  const methods = [...new Set(scored.map(({ method }) => method))];
  return await Promise.all(methods.map(async (method) => {
    const own = scored.filter((set) => set.method === method);
    const answers = own.reduce((sum, { score }) => sum + score.answers, 0);
    const figure = await gridHeatmap(own.map(({ path }) => path), "");
    return { heading: method, text: `Share of keywords in ${answers} answers.`, figure };
  }));
}
