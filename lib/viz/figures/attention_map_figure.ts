import { type AttentionWeights, checkWeights } from "../attention_weights.ts";
import { axisOf } from "../axis.ts";
import { baseLayout, type Figure, grouped, titleOf, topMargin } from "../figure.ts";
import { breakColumns, columnBreaks, columnStrip, kindKeys, sourceStrip, STRIP } from "../column_kinds.ts";
import { shortRows, shrunk } from "../shrunk.ts";
import { firstThatFits } from "../size_limit.ts";
import { theme } from "../theme.ts";
import { inContext, tokenLabel } from "../token_text.ts";
import type { TokenRange, TokenText } from "../token_range.ts";
import { weightScale } from "../weight_scale.ts";

/** What to draw. */
export interface AttentionMapInput {
  /** A head's weights after selection. */
  readonly attention: AttentionWeights;
  /** The same head's weights over all cached tokens, as they were before selection; a second picture above. */
  readonly before?: AttentionWeights;
  /** Above the figure. Default: the layer and the head. */
  readonly title?: string;
  /** The text of a stretch of tokens, for labels and hover text. */
  readonly text?: TokenText;
  /** The asked-for needle, marked. */
  readonly needle?: TokenRange;
}

const NAME = "attentionMapFigure";
/** Pixels between the two pictures. */
const BETWEEN = 100;
/** Columns whose tokens are named on the axis. */
const NAMED = 56;

/**
 * A head's attention: the tokens that asked from top to bottom, those attended to from left to right. Attended tokens are
 * not side by side in the source: thin lines stand where tokens between were left out, ticks tell the source's positions, and
 * a strip above tells leading tokens, picked spans, needle and window apart. With `before`, the picture above shows the same
 * head over the whole context, where marks show what was then selected.
 *
 * @throws {RangeError} where sizes don't match, or positions don't rise.
 *
 * @example
 * ```ts
 * import { attentionMapFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const attention = { layer: 0, head: 1, queries: [9], positions: [0, 4, 5, 9], weights: [0.5, 0.125, 0.25, 0.125] };
 * const figure = attentionMapFigure({ attention });
 * assertEquals(figure.data[0].z, [[0.5, 0.125, 0.25, 0.125]]);
 * ```
 */
export function attentionMapFigure(input: AttentionMapInput): Figure {
  checkWeights(NAME, input.attention);
  if (input.before) checkWeights(`${NAME} (before)`, input.before);
  const levels = [[128, 700], [64, 500], [32, 300]] as const;
  return firstThatFits(NAME, levels.map(([mostRows, mostColumns]) => () => build(input, mostRows, mostColumns)));
}

function build(input: AttentionMapInput, mostRows: number, mostColumns: number): Figure {
  const { attention, before, needle, text } = input;
  const { layer, head, queries, positions } = attention;
  const most = { mostRows, mostColumns };
  const after = shrunk(attention.weights, queries.length, positions.length, most);
  const title = input.title ?? `Attention of layer ${layer}, head ${head}`;
  const picture = Math.min(460, Math.max(90, after.values.length * 20));
  const inner = before ? 2 * picture + BETWEEN : picture;
  const top = topMargin(title, 1) + (before ? 40 : 24);
  const lower = picture / inner;
  const columns = columnNames(attention, after.columnWidth, text);
  const rows = rowNames(queries, after.rowWidth, text);
  const layout: Record<string, unknown> = {
    ...baseLayout,
    ...titleOf(title),
    plot_bgcolor: theme.grid,
    height: top + inner + 90,
    margin: { l: 110, r: 20, t: top, b: 90 },
    xaxis: axisOf("attended token (position in the context)", {
      ...columnTicks(attention, after.columnWidth, text),
      showgrid: false,
      anchor: "y",
    }),
    yaxis: queryAxis(queries, after.rowWidth, text, [0, lower]),
    shapes: [
      ...columnBreaks(attention, after.columnWidth),
      ...columnStrip(attention, after.columnWidth, needle, picture),
    ],
    legend: { orientation: "h", x: 0, y: 1 + (before ? 44 : 22) / inner, yanchor: "bottom" },
    annotations: before
      ? [panelName("after selection", lower), panelName("before selection: the whole context", 1)]
      : [],
  };
  const data = [weightTrace(after.values, columns, rows, lower), ...kindKeys(attention, needle)];
  if (!before) return { data, layout };
  const whole = shrunk(before.weights, before.queries.length, before.positions.length, most);
  const rowsBefore = rowNames(before.queries, whole.rowWidth, text);
  layout.xaxis2 = axisOf("position in the context (tokens)", {
    tickformat: ",d",
    nticks: 8,
    anchor: "y2",
    showgrid: false,
    range: [before.positions[0] - 0.5, before.positions[before.positions.length - 1] + (before.binTokens ?? 1) - 0.5],
  });
  layout.yaxis2 = queryAxis(before.queries, whole.rowWidth, text, [(picture + BETWEEN) / inner, 1]);
  (layout.shapes as unknown[]).push(...sourceStrip(attention, needle, picture));
  return { data: [...data, beforeTrace(before, whole, rowsBefore)], layout };
}

function weightTrace(
  z: readonly number[][],
  x: readonly string[],
  y: readonly string[],
  len: number,
): Record<string, unknown> {
  return {
    type: "heatmap",
    z: shortRows(z),
    x,
    y,
    zmin: 0,
    zmax: Math.min(1, Math.max(0.01, ...z.map((row) => row.reduce((a, b) => Math.max(a, b), 0)))),
    colorscale: weightScale,
    hovertemplate: "query %{y}<br>attends %{x}<br><b>weight %{z:.3~g}</b><extra></extra>",
    colorbar: {
      title: { text: "weight", side: "right" },
      thickness: 12,
      outlinewidth: 0,
      len,
      lenmode: "fraction",
      y: 0,
      yanchor: "bottom",
    },
  };
}

/** Over the whole context positions have no gaps: columns lie where their tokens do. */
function beforeTrace(
  { positions, binTokens = 1 }: AttentionWeights,
  { values, columnWidth }: { readonly values: number[][]; readonly columnWidth: number },
  rows: readonly string[],
): Record<string, unknown> {
  const x = values[0].map((_, column) => positions[column * columnWidth] + (columnWidth * binTokens - 1) / 2);
  const most = Math.max(0.001, ...values.map((row) => row.reduce((a, b) => Math.max(a, b), 0)));
  return {
    type: "heatmap",
    xaxis: "x2",
    yaxis: "y2",
    z: shortRows(values),
    x,
    y: rows,
    zmin: 0,
    zmax: most,
    colorscale: weightScale,
    showscale: false,
    hovertemplate:
      `query %{y}<br>position %{x:,.0f}${
        columnWidth * binTokens > 1 ? `, ${columnWidth * binTokens} tokens together` : ""
      }` +
      "<br><b>weight %{z:.3~g}</b><extra></extra>",
  };
}

/** Unique names of the columns, which the hover text shows. */
function columnNames({ positions }: AttentionWeights, width: number, text: TokenText | undefined): string[] {
  return Array.from({ length: Math.ceil(positions.length / width) }, (_, column) => {
    const first = positions[column * width];
    const last = positions[Math.min(positions.length, (column + 1) * width) - 1];
    const place = first === last ? grouped(first) : `${grouped(first)} to ${grouped(last)}`;
    return text && width === 1 ? `${place}: ${inContext(text, first)}` : place;
  });
}

function rowNames(queries: ArrayLike<number>, width: number, text: TokenText | undefined): string[] {
  return Array.from({ length: Math.ceil(queries.length / width) }, (_, row) => {
    const first = queries[row * width];
    return text && width === 1 ? `${grouped(first)}: ${tokenLabel(text(first, first + 1), 24)}` : grouped(first);
  });
}

/** Few columns: their tokens. Many: where spans begin, as far apart as labels need. */
function columnTicks(
  { positions }: AttentionWeights,
  width: number,
  text: TokenText | undefined,
): Record<string, unknown> {
  const count = Math.ceil(positions.length / width);
  const range = [-0.5, count - 0.5];
  if (text && width === 1 && count <= NAMED) {
    const ticktext = Array.from(positions, (token) => tokenLabel(text(token, token + 1)));
    return {
      type: "category",
      tickvals: ticktext.map((_, i) => i),
      ticktext,
      tickangle: -60,
      range,
      tickfont: { size: 12 },
    };
  }
  const tickvals: number[] = [];
  const ticktext: string[] = [];
  for (const column of [0, ...breakColumns(positions, width).map((at) => Math.ceil(at))]) {
    if (tickvals.length > 0 && column - tickvals[tickvals.length - 1] < count / 14) continue;
    tickvals.push(column);
    ticktext.push(grouped(positions[Math.min(positions.length - 1, column * width)]));
  }
  return { type: "category", tickvals, ticktext, tickangle: -45, range };
}

function queryAxis(
  queries: ArrayLike<number>,
  width: number,
  text: TokenText | undefined,
  domain: readonly number[],
): Record<string, unknown> {
  const count = Math.ceil(queries.length / width);
  const every = Math.ceil(count / 24);
  const tickvals = Array.from({ length: Math.ceil(count / every) }, (_, i) => i * every);
  const ticktext = tickvals.map((row) => {
    const token = queries[row * width];
    return text && width === 1 ? `${tokenLabel(text(token, token + 1))}` : grouped(token);
  });
  const range = [count - 0.5, -0.5];
  return axisOf(text && width === 1 ? "query" : "query (position)", {
    type: "category",
    tickvals,
    ticktext,
    range,
    domain,
    showgrid: false,
    anchor: domain[0] === 0 ? "x" : "x2",
  });
}

function panelName(text: string, y: number): Record<string, unknown> {
  const at = { x: 0, xref: "paper", xanchor: "left", y, yref: "paper", yanchor: "bottom", yshift: STRIP + 8 };
  return { ...at, showarrow: false, text: `<b>${text}</b>`, font: { size: 13, color: theme.ink } };
}
