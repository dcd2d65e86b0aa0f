import { type DemoRow, parseDemoRow } from "../../lib/evaluation/mod.ts";
import { listFiles, readText } from "../../lib/platform.ts";
import {
  accuracyFigure,
  curveFigure,
  type Figure,
  gridFigure,
  needleHeatmapFigure,
  paretoFigure,
} from "../../lib/viz/mod.ts";
import { gridHeatmap } from "../evaluate/heatmap.ts";

/** Tokens that the embedded model was trained with. */
const TRAINED = 512;
const MEBIBYTE = 2 ** 20;

/** Figures of the demo's strict run, as it was measured on two CPU cores. */
export async function recordedFigures(): Promise<Record<string, Figure>> {
  const file = new URL("../records/demo_full_llvmpipe.json", import.meta.url);
  const all = (JSON.parse(await readText(file)) as unknown[]).map(parseDemoRow);
  const rows = all.filter(({ variant, opening, wording }) => variant === "plain" && opening && wording !== "unseen");
  const methods = [...new Set(rows.map(({ method }) => method))];
  const lengths = [...new Set(rows.map(({ length }) => length))].sort((a, b) => a - b);
  const at = (method: string, length: number) => rows.find((row) => row.method === method && row.length === length);
  const length = { xTitle: "length of the context (tokens)", xScale: "log" as const };
  const mark = { x: TRAINED, text: "trained with 512" };
  const series = (value: (row: DemoRow) => number) =>
    methods.map((name) => ({
      name,
      points: rows.filter(({ method }) => method === name).map((row) => ({ x: row.length, y: value(row) })),
    }));
  return {
    ...await recordedGrids(),
    accuracy: accuracyFigure(rows, { trainedContext: TRAINED, chance: 0.25 }),
    needle_heatmap: heatmap(rows.filter(({ method }) => method === "reattention-window")),
    method_grid: gridFigure({
      title: "Exact match of each method",
      xTitle: "length of the context (tokens)",
      yTitle: "method",
      xLabels: lengths.map((tokens) => tokens.toLocaleString("en-US")),
      yLabels: methods,
      values: methods.map((method) => lengths.map((tokens) => at(method, tokens)?.exact ?? null)),
      range: [0, 1],
      colorTitle: "exact match (share)",
    }),
    time: curveFigure({
      title: "Speed of reading the context",
      ...length,
      yTitle: "speed (tokens/s)",
      yScale: "log",
      series: series(({ tokensPerSecond }) => tokensPerSecond),
      mark,
    }),
    memory: curveFigure({
      title: "Memory of the device",
      ...length,
      yTitle: "most memory in use (MiB)",
      yScale: "log",
      series: series(({ peakBytes }) => peakBytes / MEBIBYTE),
      mark,
    }),
    pareto: paretoFigure({
      title: `What it costs, and what it finds, at ${(4096).toLocaleString("en-US")} tokens`,
      xTitle: "time for all questions (s)",
      yTitle: "exact match (share)",
      points: rows.filter((row) => row.length === 4096)
        .map(({ method, seconds, exact, low, high }) => ({ name: method, x: seconds, y: exact, low, high })),
    }),
  };
}

/** Methods of the recorded needle grid. */
const GRID_METHODS = ["full", "streaming", "reattention"] as const;

/** The needle grid that `deno task evaluate` recorded of the embedded model, by method. */
async function recordedGrids(): Promise<Record<string, Figure>> {
  const folder = decodeURIComponent(new URL("../records/evaluate/niah_demo", import.meta.url).pathname);
  const files = await listFiles(folder);
  const grids = await Promise.all(GRID_METHODS.map(async (method) => {
    const own = files.filter((file) => file.endsWith(`/demo-${method}/single_gkamradt.jsonl`));
    return [`needle_grid_${method}`, await gridHeatmap(own.map((file) => `${folder}/${file}`), method)] as const;
  }));
  return Object.fromEntries(grids);
}

/** Right answers by the needle's depth, in ten equal parts of the context. */
function heatmap(rows: readonly DemoRow[]): Figure {
  const lengths = [...new Set(rows.map(({ length }) => length))].sort((a, b) => a - b);
  const parts = Array.from({ length: 10 }, (_, part) => part);
  const answers = (length: number, part: number) =>
    rows.filter((row) => row.length === length).flatMap(({ answers }) => answers)
      .filter(({ depth }) => Math.min(9, Math.floor(10 * depth)) === part);
  const cells = parts.map((part) => lengths.map((length) => answers(length, part)));
  return needleHeatmapFigure({
    title: "Needles found by reattention-window",
    lengths,
    depths: parts.map((part) => (part + 0.5) / 10),
    values: cells.map((row) =>
      row.map((own) => own.length === 0 ? null : own.filter(({ correct }) => correct).length / own.length)
    ),
    questions: cells.map((row) => row.map((own) => own.length)),
  });
}
