import { type AttendedLayer, attendedSpans } from "../attended_spans.ts";
import { axisOf } from "../axis.ts";
import { binned, type Bins, shortNumbers } from "../bins.ts";
import { baseLayout, type Figure, grouped, titleOf, topMargin } from "../figure.ts";
import { contextMarks, markColors, needleShape } from "../marks.ts";
import { checkLength } from "./selected_spans_figure.ts";
import { firstThatFits } from "../size_limit.ts";
import { shareScale } from "../theme.ts";
import { tokensNamed, wrapped } from "../token_text.ts";
import type { TokenRange, TokenText } from "../token_range.ts";

/** What to draw. */
export interface SelectionFrequencyInput {
  /** The steps to count over; those of a trace. */
  readonly steps: readonly { readonly layers: readonly AttendedLayer[] }[];
  /** Tokens in the context. */
  readonly length: number;
  /** The asked-for needle, marked. */
  readonly needle?: TokenRange;
  /** First token of the question. */
  readonly questionStart?: number;
  /** The text of a stretch of tokens, for the hover text. */
  readonly text?: TokenText;
  /** Above the figure; none where it is empty. */
  readonly title?: string;
}

const NAME = "selectionFrequencyFigure";
/** Room for the picture over all layers, and between the two. */
const UPPER = 150;
const BETWEEN = 46;

/**
 * How often each position was selected: above over all layers, below layer by layer, as the share of steps (and groups of
 * heads) in which the position was in a picked span. Leading tokens and the window, which are always attended to, don't
 * count. Longer contexts are put into stretches that show their most selected position.
 *
 * @throws {RangeError} where there is no step, or a length that is none.
 *
 * @example
 * ```ts
 * import { selectionFrequencyFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const group = { indices: [0, 4, 5, 8, 9], centers: [5], votes: [3], globalCount: 1, windowStart: 8 };
 * const figure = selectionFrequencyFigure({ steps: [{ layers: [{ layer: 0, groups: [group] }] }], length: 10 });
 * assertEquals(figure.data[0].y, [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]);
 * ```
 */
export function selectionFrequencyFigure(input: SelectionFrequencyInput): Figure {
  checkLength(NAME, input.length);
  if (input.steps.length === 0) {
    throw new RangeError(`${NAME}: there is no step; was the session made with trace: true?`);
  }
  const numbers = [...new Set(input.steps.flatMap(({ layers }) => layers.map(({ layer }) => layer)))].sort((a, b) =>
    a - b
  );
  const shares = numbers.map((layer) => selectionShares(input.steps, layer, input.length));
  const levels = [[1500, 24], [1000, 12], [600, 0], [300, 0]] as const;
  return firstThatFits(NAME, levels.map(([bins, words]) => () => build(input, numbers, shares, bins, words)));
}

/** Share of a layer's steps and groups that selected each position. */
export function selectionShares(
  steps: readonly { readonly layers: readonly AttendedLayer[] }[],
  layer: number,
  length: number,
): Float64Array {
  // Spans as steps up and down; their running sum is how many cover a position.
  const change = new Float64Array(length + 1);
  let groups = 0;
  for (const step of steps) {
    for (const own of step.layers) {
      if (own.layer !== layer) continue;
      for (const group of own.groups) {
        groups++;
        for (const { kind, start, end } of attendedSpans(group)) {
          if (kind !== "selected" || start >= length) continue;
          change[start]++;
          change[Math.min(end, length)]--;
        }
      }
    }
  }
  const shares = new Float64Array(length);
  let covering = 0;
  for (let i = 0; i < length; i++) shares[i] = (covering += change[i]) / Math.max(1, groups);
  return shares;
}

/** What is drawn: shares in columns of `width` positions, a row a layer. */
interface Drawn {
  readonly rows: readonly Bins[];
  readonly labels: readonly string[];
  readonly width: number;
  /** Mean over the layers of each column. */
  readonly overall: readonly number[];
  /** Height of the picture of the layers, and of both pictures. */
  readonly lower: number;
  readonly inner: number;
}

function build(
  input: SelectionFrequencyInput,
  layers: readonly number[],
  shares: readonly Float64Array[],
  most: number,
  words: number,
): Figure {
  const rows = shares.map((own) => binned(own, most));
  const { width, high } = rows[0];
  const lower = Math.min(640, Math.max(80, layers.length * 34));
  const drawn: Drawn = {
    rows,
    labels: layers.map((layer) => `layer ${layer}`),
    width,
    overall: Array.from(high, (_, bin) => rows.reduce((sum, row) => sum + row.high[bin], 0) / rows.length),
    lower,
    inner: UPPER + BETWEEN + lower,
  };
  return { data: [overallTrace(drawn, input, words), layersTrace(drawn)], layout: layoutOf(drawn, input) };
}

/** The line over all layers, with the text of each column. */
function overallTrace(
  { overall, width }: Drawn,
  { length, text }: SelectionFrequencyInput,
  words: number,
): Record<string, unknown> {
  const starts = overall.map((_, bin) => bin * width);
  return {
    type: "scatter",
    mode: "lines",
    name: "over all layers",
    x: starts,
    y: shortNumbers(overall),
    line: { color: markColors.selected, width: 1.5, shape: "hvh" },
    fill: "tozeroy",
    text: starts.map((start) => {
      const cut = Math.min(length, start + Math.min(width, words));
      const told = text && words > 0 ? `<br>${wrapped(text(start, cut))}` : "";
      return `<b>${tokensNamed(start, Math.min(length, start + width))}</b>${told}`;
    }),
    hovertemplate: "%{text}<br>selected in %{y:.1%}<extra></extra>",
    showlegend: false,
  };
}

function layersTrace({ rows, labels, width, lower, inner }: Drawn): Record<string, unknown> {
  return {
    type: "heatmap",
    xaxis: "x2",
    yaxis: "y2",
    x0: (width - 1) / 2,
    dx: width,
    y: labels,
    z: rows.map((row) => shortNumbers(row.high)),
    zmin: 0,
    zmax: Math.max(0.01, ...rows.map((row) => row.high.reduce((a, b) => Math.max(a, b), 0))),
    colorscale: shareScale,
    hovertemplate: `%{y}, position %{x:,d}<br>selected in %{z:.1%}<extra></extra>`,
    colorbar: {
      title: { text: "share of steps", side: "right" },
      tickformat: ".0%",
      thickness: 12,
      outlinewidth: 0,
      len: lower / inner,
      lenmode: "fraction",
      y: 0,
      yanchor: "bottom",
    },
  };
}

function layoutOf(
  { overall, width, lower, inner }: Drawn,
  { length, needle, questionStart, title = "" }: SelectionFrequencyInput,
): Record<string, unknown> {
  const top = topMargin(title, 0) + 44;
  const positions = "position in the context (tokens";
  const tokens = { tickformat: ",d", range: [0, length] };
  return {
    ...baseLayout,
    ...titleOf(title),
    height: top + inner + 60,
    margin: { l: 80, r: 20, t: top, b: 60 },
    xaxis: axisOf("", { ...tokens, matches: "x2", showticklabels: false, anchor: "y" }),
    yaxis: axisOf("share of steps", {
      tickformat: Math.max(...overall) < 0.05 ? ".1%" : ".0%",
      rangemode: "tozero",
      nticks: 4,
      domain: [(lower + BETWEEN) / inner, 1],
      anchor: "x",
    }),
    xaxis2: axisOf(width === 1 ? `${positions})` : `${positions}, ${grouped(width)} a column)`, {
      ...tokens,
      nticks: 8,
      anchor: "y2",
      showgrid: false,
    }),
    yaxis2: {
      type: "category",
      nticks: 40,
      domain: [0, lower / inner],
      anchor: "x2",
      automargin: true,
      showgrid: false,
    },
    shapes: needle ? [needleShape(needle)] : [],
    annotations: contextMarks({ needle, questionStart, length }),
  };
}
