import { keywordShare, readJsonLines } from "../../lib/evaluation/mod.ts";
import { needleHeatmapFigure } from "../../lib/viz/mod.ts";
import type { ReportSection } from "../../lib/viz/mod.ts";
import type { MethodName } from "../../lib/attention/mod.ts";
import type { ScoredSet } from "./report.ts";

/** One answer of a grid. */
interface Cell {
  readonly length: number;
  readonly depth: number;
  /** Share of its keywords that it holds. */
  readonly found: number;
}

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

/** Heatmaps of a needle grid, one for each method: length across, depth down, share of answers that hold the keyword. */
export async function heatmapSections(scored: readonly ScoredSet[]): Promise<ReportSection[]> {
  const methods = [...new Set(scored.map(({ method }) => method))];
  return await Promise.all(methods.map((method) => heatmapSection(method, scored)));
}

async function heatmapSection(method: MethodName, scored: readonly ScoredSet[]): Promise<ReportSection> {
  const own = scored.filter((set) => set.method === method);
  const cells = (await Promise.all(own.map(({ path }) => cellsOf(path)))).flat();
  const sorted = (values: number[]) => [...new Set(values)].sort((a, b) => a - b);
  const [lengths, depths] = [sorted(cells.map(({ length }) => length)), sorted(cells.map(({ depth }) => depth))];
  const at = (length: number, depth: number) => cells.filter((cell) => cell.length === length && cell.depth === depth);
  const grid = <T>(value: (found: readonly Cell[]) => T) => {
    return depths.map((depth) => lengths.map((length) => value(at(length, depth))));
  };
  const share = (found: readonly Cell[]) => found.reduce((sum, cell) => sum + cell.found, 0) / found.length;
  const figure = needleHeatmapFigure({
    title: "",
    lengths,
    depths,
    values: grid((found) => found.length > 0 ? share(found) : null),
    questions: grid((found) => found.length > 0 ? found.length : null),
  });
  return { heading: method, text: `Share of keywords in ${cells.length} answers.`, figure };
}
