import { checkFinite } from "../checks.ts";
import { baseLayout, escapeLabel, type Figure, rounded, titleOf, topMargin } from "../figure.ts";
import { palette, theme } from "../theme.ts";

/** One measured category. */
export interface CategoryPoint {
  /** Its name. */
  readonly name: string;
  /** What was measured. */
  readonly value: number;
  /** Lower end of its interval. */
  readonly low?: number;
  /** Upper end of its interval. */
  readonly high?: number;
  /** Words for the hover text. */
  readonly text?: string;
}

/** What to draw. */
export interface CategoryInput {
  /** Above the figure; none where it is empty. */
  readonly title: string;
  /** What was measured, with its unit. */
  readonly valueTitle: string;
  /** Ends of the value axis. Default: what the points and intervals need. */
  readonly range?: readonly [number, number];
  /** From top to bottom. */
  readonly points: readonly CategoryPoint[];
  /** A value to mark, as that of the baseline; a dotted line. */
  readonly mark?: { readonly value: number; readonly text: string };
}

/**
 * Categories with intervals, one a row: what was measured where what was varied has no order.
 *
 * @throws {RangeError} for a value that is no finite number.
 *
 * @example
 * ```ts
 * import { categoryFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const points = [{ name: "compact", value: 0.8, low: 0.7, high: 0.9 }, { name: "original", value: 0 }];
 * assertEquals(categoryFigure({ title: "", valueTitle: "exact match", points }).data[0].x, [0.8, 0]);
 * ```
 */
export function categoryFigure({ title, valueTitle, range, points, mark }: CategoryInput): Figure {
  points.forEach(({ name, value, low = value, high = value }) => {
    for (const number of [value, low, high]) checkFinite("categoryFigure", name, number);
  });
  const trace = {
    type: "scatter",
    mode: "markers",
    showlegend: false,
    name: valueTitle,
    x: points.map(({ value }) => value),
    y: points.map(({ name }) => escapeLabel(name)),
    marker: { color: palette[2], size: 10 },
    error_x: {
      type: "data",
      symmetric: false,
      array: points.map(({ value, high = value }) => high - value),
      arrayminus: points.map(({ value, low = value }) => value - low),
      color: palette[2],
      thickness: 1.5,
      width: 4,
    },
    hovertemplate: "%{text}<extra></extra>",
    text: points.map(({ name, value, low, high, text }) => {
      const interval = low === undefined || high === undefined ? "" : ` (${rounded(low)} to ${rounded(high)})`;
      return [
        `<b>${escapeLabel(name)}</b>`,
        `${escapeLabel(valueTitle)} ${rounded(value)}${interval}`,
        escapeLabel(text ?? ""),
      ]
        .filter(Boolean).join("<br>");
    }),
  };
  const line = mark && {
    type: "line",
    x0: mark.value,
    x1: mark.value,
    y0: 0,
    y1: 1,
    yref: "paper",
    line: { color: theme.border, dash: "dot", width: 1.5 },
  };
  return {
    data: [trace],
    layout: {
      ...baseLayout,
      ...titleOf(title),
      height: topMargin(title, 1) + 70 + 34 * Math.max(2, points.length),
      margin: { l: 20, r: 20, t: topMargin(title, 1), b: 60 },
      xaxis: {
        title: { text: escapeLabel(valueTitle) },
        gridcolor: theme.grid,
        zeroline: false,
        ...(range && { range: padded(range) }),
      },
      yaxis: { type: "category", autorange: "reversed", automargin: true, gridcolor: theme.grid },
      shapes: line ? [line] : [],
      annotations: mark
        ? [{ x: mark.value, y: 1, yref: "paper", yanchor: "bottom", text: escapeLabel(mark.text), showarrow: false }]
        : [],
    },
  };
}

/** A little room at both ends, so that points there lie on no name. */
function padded([low, high]: readonly [number, number]): [number, number] {
  const room = (high - low) / 30;
  return [low - room, high + room];
}
