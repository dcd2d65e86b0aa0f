import { axisOf } from "../axis.ts";
import { checkGrid } from "../checks.ts";
import { baseLayout, escapeLabel, type Figure, rounded, titleOf, topMargin } from "../figure.ts";
import { firstThatFits } from "../size_limit.ts";
import { shareScale, theme } from "../theme.ts";

/** What to draw. */
export interface GridInput {
  /** Above the figure; none where it is empty. */
  readonly title: string;
  /** What goes across, with its unit. */
  readonly xTitle: string;
  /** What goes up, with its unit. */
  readonly yTitle: string;
  /** Labels of the columns, left to right. */
  readonly xLabels: readonly string[];
  /** Labels of the rows, bottom to top. */
  readonly yLabels: readonly string[];
  /** One row per y label, one value per x label; null where nothing was measured. */
  readonly values: readonly (readonly (number | null)[])[];
  /** Words per cell for the hover text, of the same sizes. */
  readonly text?: readonly (readonly (string | null)[])[];
  /** Values of the colour scale's ends. Default: the least and the greatest value. */
  readonly range?: readonly [number, number];
  /** What the values are, with their unit. */
  readonly colorTitle?: string;
}

/** Grids of more cells have their numbers in the hover text only. */
const MOST_NUMBERS = 300;

/**
 * A grid over two knobs: one coloured cell per pair, with its number in it. Cells without a value stay grey.
 *
 * @throws {RangeError} where the values don't match the labels, or the figure would pass 2 MB.
 *
 * @example
 * ```ts
 * import { gridFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const figure = gridFigure({
 *   title: "Exact match",
 *   xTitle: "chunk size (tokens)",
 *   yTitle: "k (tokens)",
 *   xLabels: ["16", "32"],
 *   yLabels: ["4", "8"],
 *   values: [[0.5, 0.75], [1, null]],
 *   range: [0, 1],
 * });
 * assertEquals(figure.data[0].zmax, 1);
 * ```
 */
export function gridFigure(input: GridInput): Figure {
  const { xLabels, yLabels, values, text } = input;
  const rows = { name: "yLabels", count: yLabels.length };
  const columns = { name: "xLabels", count: xLabels.length };
  checkGrid("gridFigure", values, rows, columns);
  if (text) checkGrid("gridFigure (text)", text, rows, columns);
  return firstThatFits("gridFigure", [() => build(input)]);
}

function build({ title, xTitle, yTitle, xLabels, yLabels, values, text, range, colorTitle }: GridInput): Figure {
  const hover = values.map((row, y) =>
    row.map((value, x) => {
      const place = `${escapeLabel(xTitle)}: ${escapeLabel(xLabels[x])}<br>${escapeLabel(yTitle)}: ${
        escapeLabel(yLabels[y])
      }`;
      const words = text?.[y][x] ? `<br>${escapeLabel(text[y][x])}` : "";
      return `${place}<br><b>${value === null ? "not measured" : rounded(value)}</b>${words}`;
    })
  );
  const cells = xLabels.length * yLabels.length;
  return {
    data: [
      heatmapTrace({ values, hover, range, colorTitle }),
      ...(cells <= MOST_NUMBERS ? [numbersTrace(values, range)] : []),
    ],
    layout: {
      ...baseLayout,
      ...titleOf(title),
      plot_bgcolor: theme.grid,
      height: gridHeight(yLabels.length, title),
      margin: { l: 70, r: 20, t: topMargin(title, 0), b: 60 },
      xaxis: axisOf(xTitle, labelled(xLabels)),
      yaxis: axisOf(yTitle, labelled(yLabels)),
    },
  };
}

/** The trace of a grid of cells, as all heatmaps here draw them. */
export function heatmapTrace({ values, hover, range, colorTitle = "" }: {
  readonly values: readonly (readonly (number | null)[])[];
  readonly hover: readonly (readonly string[])[];
  readonly range?: readonly [number, number];
  readonly colorTitle?: string;
}): Record<string, unknown> {
  return {
    type: "heatmap",
    z: values,
    ...(range ? { zmin: range[0], zmax: range[1] } : {}),
    colorscale: shareScale,
    xgap: 1,
    ygap: 1,
    text: hover,
    hovertemplate: "%{text}<extra></extra>",
    hoverongaps: true,
    colorbar: { title: { text: colorTitle, side: "right" }, thickness: 12, len: 1, outlinewidth: 0 },
  };
}

/** The cells' numbers, dark on light cells and light on dark ones. */
export function numbersTrace(
  values: readonly (readonly (number | null)[])[],
  range: readonly [number, number] | undefined,
): Record<string, unknown> {
  const cells = values.flatMap((row, y) => row.flatMap((value, x) => value === null ? [] : [{ x, y, value }]));
  const low = range?.[0] ?? cells.reduce((least, { value }) => Math.min(least, value), Infinity);
  const high = range?.[1] ?? cells.reduce((most, { value }) => Math.max(most, value), -Infinity);
  return {
    type: "scatter",
    mode: "text",
    x: cells.map(({ x }) => x),
    y: cells.map(({ y }) => y),
    text: cells.map(({ value }) => rounded(value)),
    // The middle of the scale is where black and white stand out from it alike.
    textfont: { size: 13, color: cells.map(({ value }) => value - low > 0.45 * (high - low) ? "#101010" : "#fafafa") },
    hoverinfo: "skip",
    showlegend: false,
  };
}

/** Ticks that name rows or columns; of very many, some. */
export function labelled(labels: readonly string[], most = 40): Record<string, unknown> {
  const every = Math.ceil(labels.length / most);
  const kept = labels.map((label, index) => ({ label, index })).filter(({ index }) => index % every === 0);
  return {
    tickvals: kept.map(({ index }) => index),
    ticktext: kept.map(({ label }) => escapeLabel(label)),
    range: [-0.5, labels.length - 0.5],
    showgrid: false,
  };
}

/** Height of a grid of so many rows: cells of readable height, a figure that fits a screen. */
export function gridHeight(rows: number, title: string): number {
  return topMargin(title, 0) + 70 + Math.min(640, Math.max(120, rows * 44));
}
