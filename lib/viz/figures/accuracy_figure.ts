import { ticksAt } from "../axis.ts";
import { baseLayout, escapeLabel, type Figure, grouped, symbols } from "../figure.ts";
import { showsItself } from "../size_limit.ts";
import { palette, theme } from "../theme.ts";

/** What one method reached at one length. */
export interface AccuracyPoint {
  /** Name of the method. */
  method: string;
  /** Tokens. */
  length: number;
  /** Share of right answers, from 0 to 1. */
  exact: number;
  /** Lower end of its interval. */
  low: number;
  /** Upper end of its interval. */
  high: number;
  /** Questions asked, for the hover text. */
  questions?: number;
  /** Whether its scope could pass the trained context; drawn hollow. Default false. */
  allowBeyondTrained?: boolean;
}

/** What to draw beside the points. */
export interface AccuracyFigureOptions {
  /** Tokens the model was trained with; marked. */
  trainedContext?: number;
  /** Share that guessing reaches, from 0 to 1; marked. */
  chance?: number;
}

/** Methods that agree would hide each other: each stands further right than the one before, by this share of the axis. */
const SIDESTEP = 0.009;
/** Room left and right of the points, as a share of the axis. */
const MARGIN = 0.06;

/**
 * Accuracy against length, one line per method with its interval, over a logarithmic axis of lengths.
 *
 * @param points in any order; methods get colours in the order they come first
 *
 * @example
 * ```ts
 * import { accuracyFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const figure = accuracyFigure([{ method: "full", length: 512, exact: 1, low: 0.9, high: 1 }], { trainedContext: 512 });
 * assertEquals(figure.data[0].name, "full");
 * ```
 */
export function accuracyFigure(points: readonly AccuracyPoint[], options: AccuracyFigureOptions = {}): Figure {
  const methods = [...new Set(points.map((point) => point.method))];
  const lengths = [...new Set(points.map((point) => point.length))].sort((a, b) => a - b);
  const range = axisRange(lengths);
  const data = methods.map((method, index) => {
    const own = points.filter((point) => point.method === method).sort((a, b) => a.length - b.length);
    const aside = SIDESTEP * (range[1] - range[0]) * (index - (methods.length - 1) / 2);
    return methodTrace(method, own, index, 10 ** aside);
  });
  return showsItself({ data, layout: layoutOf(lengths, range, options) });
}

/** The axis in powers of ten, wide enough for a single length too. */
function axisRange(lengths: readonly number[]): [number, number] {
  const first = Math.log10(lengths[0] ?? 1);
  const last = Math.log10(lengths.at(-1) ?? 10);
  const room = MARGIN * Math.max(last - first, 1);
  return [first - room, last + room];
}

function methodTrace(
  method: string,
  points: readonly AccuracyPoint[],
  index: number,
  sidestep: number,
): Record<string, unknown> {
  const color = palette[index % palette.length];
  const symbol = symbols[index % symbols.length];
  return {
    type: "scatter",
    mode: "lines+markers",
    name: escapeLabel(method),
    x: points.map((point) => point.length * sidestep),
    y: points.map((point) => point.exact),
    error_y: {
      type: "data",
      symmetric: false,
      array: points.map((point) => point.high - point.exact),
      arrayminus: points.map((point) => point.exact - point.low),
      color,
      thickness: 1.5,
      width: 4,
    },
    line: { color, width: 2 },
    marker: { color, size: 10, symbol: points.map((point) => point.allowBeyondTrained ? `${symbol}-open` : symbol) },
    text: points.map((point) => pointText(point)),
    hovertemplate: "%{text}<extra></extra>",
  };
}

function pointText({ method, length, exact, low, high, questions, allowBeyondTrained }: AccuracyPoint): string {
  const asked = questions === undefined ? "" : ` of ${questions}`;
  const beyond = allowBeyondTrained ? "<br>may attend beyond the trained context" : "";
  return `<b>${escapeLabel(method)}</b>, ${grouped(length)} tokens<br>exact match ${exact.toFixed(2)}${asked}` +
    `<br>95 % interval ${low.toFixed(2)} to ${high.toFixed(2)}${beyond}`;
}

function layoutOf(
  lengths: readonly number[],
  range: readonly [number, number],
  { trainedContext, chance }: AccuracyFigureOptions,
): Record<string, unknown> {
  const shapes: Record<string, unknown>[] = [];
  const annotations: Record<string, unknown>[] = [];
  const marked = { layer: "below", line: { color: theme.rule, width: 1, dash: "dot" } };
  const label = { showarrow: false, font: { size: 12, color: theme.muted }, bgcolor: theme.veil };
  if (trainedContext !== undefined) {
    shapes.push({ type: "line", x0: trainedContext, x1: trainedContext, y0: 0, y1: 1, yref: "paper", ...marked });
    const at = { x: Math.log10(trainedContext), xanchor: "left", xshift: 14, y: 0.36, yref: "paper" };
    annotations.push({ ...label, ...at, align: "left", text: `trained with<br>${grouped(trainedContext)} tokens` });
  }
  if (chance !== undefined) {
    shapes.push({ type: "line", x0: 0, x1: 1, xref: "paper", y0: chance, y1: chance, ...marked });
    const at = { x: 0, xref: "paper", xanchor: "left", y: chance, yanchor: "bottom" };
    annotations.push({ ...label, ...at, text: "chance" });
  }
  return {
    ...baseLayout,
    height: 420,
    margin: { l: 70, r: 20, t: 10, b: 60 },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    xaxis: {
      type: "log",
      range,
      title: { text: "length: context, question and answer (tokens)" },
      ...ticksAt(lengths, range, "log"),
      gridcolor: theme.grid,
      zeroline: false,
    },
    yaxis: {
      title: { text: "exact match (share)" },
      range: [-0.04, 1.06],
      tickvals: [0, 0.25, 0.5, 0.75, 1],
      tickformat: ".2f",
      gridcolor: theme.grid,
      zeroline: false,
    },
    shapes,
    annotations,
  };
}
