import { axisOf, powerTicks, rangeOf, type Scale, ticksAt } from "../axis.ts";
import { checkFinite } from "../checks.ts";
import {
  baseLayout,
  escapeLabel,
  type Figure,
  legendRows,
  rounded,
  rowLegend,
  symbols,
  titleOf,
  topMargin,
} from "../figure.ts";
import { firstThatFits } from "../size_limit.ts";
import { palette, theme } from "../theme.ts";
import { thinned } from "../thinned.ts";

/** One measured point. */
export interface CurvePoint {
  /** Where it lies. */
  readonly x: number;
  /** What was measured. */
  readonly y: number;
  /** Lower end of its interval. */
  readonly low?: number;
  /** Upper end of its interval. */
  readonly high?: number;
  /** Words for the hover text, below the values. */
  readonly text?: string;
}

/** A line of points. */
export interface CurveSeries {
  /** Its name in the legend. */
  readonly name: string;
  /** In any order. */
  readonly points: readonly CurvePoint[];
}

/** What to draw. */
export interface CurveInput {
  /** Above the figure; none where it is empty. */
  readonly title: string;
  /** What x is, with its unit. */
  readonly xTitle: string;
  /** What y is, with its unit. */
  readonly yTitle: string;
  /** Default: "linear". */
  readonly xScale?: Scale;
  /** Default: "linear". */
  readonly yScale?: Scale;
  /** Ends of the y axis. Default: what the points and intervals need. */
  readonly yRange?: readonly [number, number];
  /** Series get colours and marks in this order. */
  readonly series: readonly CurveSeries[];
  /** What guessing reaches; a dotted line. */
  readonly chance?: number;
  /** What the dotted line is. Default: "chance". */
  readonly chanceText?: string;
  /** A value of x to mark, as the trained context. */
  readonly mark?: { readonly x: number; readonly text: string };
}

const NAME = "curveFigure";
/** Curves longer than this have a band for their intervals and no marks. */
const MANY = 60;

/**
 * Curves with intervals: what was measured against what was varied.
 *
 * Series of up to 60 points show each point with its interval as a bar; longer ones are a line with a band. Very long ones
 * keep the lowest and highest point of each stretch, so that the figure stays under 2 MB.
 *
 * @throws {RangeError} for a value that is no finite number, or is not above 0 on a logarithmic axis.
 *
 * @example
 * ```ts
 * import { curveFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const points = [{ x: 512, y: 0.9, low: 0.8, high: 0.95 }, { x: 1024, y: 0.85, low: 0.7, high: 0.9 }];
 * const figure = curveFigure({
 *   title: "Chunk size 32",
 *   xTitle: "length (tokens)",
 *   yTitle: "exact match (share)",
 *   xScale: "log",
 *   series: [{ name: "reattention", points }],
 * });
 * assertEquals(figure.data[0].y, [0.9, 0.85]);
 * ```
 */
export function curveFigure(input: CurveInput): Figure {
  check(input);
  const levels = [2000, 500, 100, 20];
  return firstThatFits(NAME, levels.map((buckets) => () => build(input, buckets)));
}

function check({ series, xScale, yScale, chance }: CurveInput): void {
  for (const { name, points } of series) {
    points.forEach(({ x, y, low, high }, index) => {
      const what = (part: string) => `${part} of point ${index} of "${name}"`;
      checkFinite(NAME, what("x"), x, xScale);
      checkFinite(NAME, what("y"), y, yScale);
      if (low !== undefined) checkFinite(NAME, what("low"), low, yScale);
      if (high !== undefined) checkFinite(NAME, what("high"), high, yScale);
    });
  }
  if (chance !== undefined) checkFinite(NAME, "chance", chance, yScale);
}

function build(input: CurveInput, buckets: number): Figure {
  const {
    title,
    series,
    xTitle,
    yTitle,
    xScale = "linear",
    yScale = "linear",
    yRange,
    chance,
    chanceText = "chance",
    mark,
  } = input;
  const drawn = series.map(({ name, points }) => ({
    name,
    points: thinned([...points].sort((a, b) => a.x - b.x), buckets),
  }));
  const all = drawn.flatMap(({ points }) => points);
  const xs = all.map(({ x }) => x);
  const xRange = rangeOf(mark ? [...xs, mark.x] : xs, xScale);
  const ys = all.flatMap(({ y, low = y, high = y }) => [y, low, high]);
  const legend = series.length > 1 ? series.map(({ name }) => name) : [];
  const spread = rangeOf(chance === undefined ? ys : [...ys, chance], yScale);
  return {
    data: drawn.flatMap(({ name, points }, index) => traces(name, points, index, input)),
    layout: {
      ...baseLayout,
      ...titleOf(title),
      height: 420,
      margin: { l: 70, r: 20, t: topMargin(title, legendRows(legend)), b: 60 },
      showlegend: legend.length > 0,
      legend: rowLegend,
      xaxis: axisOf(xTitle, { type: xScale, range: xRange, ...ticksAt(xs, xRange, xScale) }),
      yaxis: axisOf(yTitle, {
        type: yScale,
        range: yRange ? (yScale === "log" ? yRange.map(Math.log10) : yRange) : spread,
        ...(yScale === "log" ? powerTicks(spread) : {}),
      }),
      ...marksOf(
        chance,
        chanceText,
        mark && { ...mark, top: lowBeside(mark.x, all, spread, xRange, xScale, yScale) },
        xScale,
        yScale,
      ),
    },
  };
}

function traces(
  name: string,
  points: readonly CurvePoint[],
  index: number,
  { xTitle, yTitle }: CurveInput,
): Record<string, unknown>[] {
  const color = palette[index % palette.length];
  const many = points.length > MANY;
  const bounded = points.some(({ low, high }) => low !== undefined || high !== undefined);
  const curve = {
    type: "scatter",
    mode: many ? "lines" : "lines+markers",
    name: escapeLabel(name),
    legendgroup: String(index),
    x: points.map(({ x }) => x),
    y: points.map(({ y }) => y),
    line: { color, width: 2 },
    marker: { color, size: 9, symbol: symbols[index % symbols.length] },
    // A long curve's values say it all; so many texts would be most of the figure.
    ...(many ? { hovertemplate: "%{x}<br>%{y:.4~g}" } : {
      text: points.map((point) => pointText(name, point, xTitle, yTitle)),
      hovertemplate: "%{text}<extra></extra>",
    }),
    ...(bounded && !many ? { error_y: errorBars(points, color) } : {}),
  };
  return bounded && many ? [band(points, color, index), curve] : [curve];
}

function errorBars(points: readonly CurvePoint[], color: string): Record<string, unknown> {
  const array = points.map(({ y, high = y }) => high - y);
  const arrayminus = points.map(({ y, low = y }) => y - low);
  return { type: "data", symmetric: false, array, arrayminus, color, thickness: 1.5, width: 4 };
}

/** The interval of a long curve: up along the lower ends, back along the upper ones. */
function band(points: readonly CurvePoint[], color: string, index: number): Record<string, unknown> {
  const back = [...points].reverse();
  return {
    type: "scatter",
    mode: "lines",
    x: [...points, ...back].map(({ x }) => x),
    y: [...points.map(({ y, low = y }) => low), ...back.map(({ y, high = y }) => high)],
    fill: "toself",
    fillcolor: color,
    opacity: 0.2,
    line: { width: 0 },
    legendgroup: String(index),
    showlegend: false,
    hoverinfo: "skip",
  };
}

function pointText(name: string, { x, y, low, high, text }: CurvePoint, xTitle: string, yTitle: string): string {
  const interval = low === undefined || high === undefined ? "" : `<br>interval ${rounded(low)} to ${rounded(high)}`;
  const words = text === undefined ? "" : `<br>${escapeLabel(text)}`;
  const values = `${escapeLabel(xTitle)}: ${rounded(x, 6)}<br>${escapeLabel(yTitle)}: ${rounded(y)}`;
  return `<b>${escapeLabel(name)}</b><br>${values}${interval}${words}`;
}

/** Whether the curves run low just right of x: words beside it then stand at the top. */
function lowBeside(
  x: number,
  points: readonly CurvePoint[],
  yRange: readonly [number, number],
  xRange: readonly [number, number],
  xScale: Scale,
  yScale: Scale,
): boolean {
  const at = (value: number, scale: Scale) => scale === "log" ? Math.log10(value) : value;
  const near = points.filter((point) => Math.abs(at(point.x, xScale) - at(x, xScale)) < 0.2 * (xRange[1] - xRange[0]));
  if (near.length === 0) return false;
  const middle = near.reduce((sum, { y }) => sum + at(y, yScale), 0) / near.length;
  return middle < (yRange[0] + yRange[1]) / 2;
}

function marksOf(
  chance: number | undefined,
  chanceText: string,
  mark: { readonly x: number; readonly text: string; readonly top: boolean } | undefined,
  xScale: Scale,
  yScale: Scale,
): Record<string, unknown> {
  const shapes: Record<string, unknown>[] = [];
  const annotations: Record<string, unknown>[] = [];
  const line = { type: "line", layer: "below", line: { color: theme.rule, width: 1, dash: "dot" } };
  const words = { showarrow: false, font: { size: 12, color: theme.muted } };
  // Annotations on a logarithmic axis take the exponent, unlike shapes.
  const along = (value: number, scale: Scale) => scale === "log" ? Math.log10(value) : value;
  if (chance !== undefined) {
    shapes.push({ ...line, x0: 0, x1: 1, xref: "paper", y0: chance, y1: chance });
    annotations.push({
      ...words,
      text: escapeLabel(chanceText),
      x: 1,
      xref: "paper",
      xanchor: "right",
      y: along(chance, yScale),
      yanchor: "bottom",
    });
  }
  if (mark !== undefined) {
    shapes.push({ ...line, x0: mark.x, x1: mark.x, y0: 0, y1: 1, yref: "paper" });
    const place = mark.top ? { y: 0.98, yanchor: "top" } : { y: 0.02, yanchor: "bottom" };
    const at = { x: along(mark.x, xScale), xanchor: "left", xshift: 4, yref: "paper", ...place };
    annotations.push({ ...words, ...at, align: "left", text: escapeLabel(mark.text) });
  }
  return { shapes, annotations };
}
