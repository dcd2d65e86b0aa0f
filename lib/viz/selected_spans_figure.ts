import { type AttendedLayer, type AttendedSpan, attendedSpans } from "./attended_spans.ts";
import { baseLayout, escapeLabel, type Figure, grouped } from "./figure.ts";
import { voteColor, voteScale } from "./vote_scale.ts";

/** A stretch of tokens. */
export interface TokenRange {
  /** First token. */
  readonly start: number;
  /** One past the last token. */
  readonly end: number;
}

/** What a step attended to, and what to mark. */
export interface SelectedSpansInput {
  /** What each layer attended to. */
  layers: readonly AttendedLayer[];
  /** Tokens in the context, the step's own included. */
  length: number;
  /** The asked-for needle; a second picture shows what lies around it. */
  needle?: TokenRange;
  /** First token of the question. */
  questionStart?: number;
  /** The text of a stretch of tokens, for the hover text. */
  text?: (start: number, end: number) => string;
}

interface Placed extends AttendedSpan {
  readonly row: number;
  readonly label: string;
}

const COLORS = { global: "#8c959f", window: "#0072b2" };
const NEEDLE_COLOR = "#009e73";
/** Tokens shown on each side of the needle. */
const AROUND = 128;
const ROW_PIXELS = 34;
/** Room above, between and below the two pictures. */
const TOP = 70;
const BETWEEN = 110;
const BOTTOM = 60;

/**
 * What every layer attended to in one step: one row per layer (and per KV head where heads select on their own), the whole
 * context from left to right. Leading tokens and window have a colour each; picked spans are darker the more votes they
 * got. A span of a few tokens in a long context would be thinner than a pixel: a mark of fixed width on it keeps it visible.
 * With a needle, a second picture below shows the tokens around it at full size.
 *
 * @throws {RangeError} for a length that is none.
 *
 * @example
 * ```ts
 * import { selectedSpansFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const group = { indices: [0, 40, 41, 98, 99], centers: [41], votes: [3], globalCount: 1, windowStart: 98 };
 * const figure = selectedSpansFigure({ layers: [{ layer: 0, groups: [group] }], length: 100 });
 * assertEquals(figure.data[2].base, [40]);
 * ```
 */
export function selectedSpansFigure(input: SelectedSpansInput): Figure {
  const { layers, length, needle } = input;
  if (!Number.isInteger(length) || length < 1) {
    throw new RangeError(`selectedSpansFigure: length ${length} must be a whole number of at least 1`);
  }
  const labels = layers.flatMap(({ layer, groups }) => groups.map((_, group) => rowLabel(layer, group, groups.length)));
  const groups = layers.flatMap((layer) => layer.groups);
  const placed = groups.flatMap((group, row): Placed[] =>
    attendedSpans(group).map((span) => ({ ...span, row, label: labels[row] }))
  );
  const mostVotes = Math.max(1, ...placed.map((span) => span.votes));
  const near = needle && { start: Math.max(0, needle.start - AROUND), end: Math.min(length, needle.end + AROUND) };
  const kinds = ["global", "window", "selected"] as const;
  const data = kinds.flatMap((kind) => {
    const spans = placed.filter((span) => span.kind === kind);
    const close = near ? spans.filter((span) => span.start < near.end && span.end > near.start) : [];
    const whole = spanTrace(kind, spans, input, mostVotes, "");
    return close.length > 0 ? [whole, spanTrace(kind, close, input, mostVotes, "2")] : [whole];
  });
  return { data: [...data, votesKey(mostVotes)], layout: layoutOf(input, labels, near) };
}

function rowLabel(layer: number, group: number, groups: number): string {
  return groups === 1 ? `layer ${layer}` : `layer ${layer}, KV head ${group}`;
}

const names = { global: "leading tokens", window: "window", selected: "selected" };

/** Spans as bars of their true width; in the picture of the whole context with a tick of fixed width over each. */
function spanTrace(
  kind: AttendedSpan["kind"],
  spans: readonly Placed[],
  input: SelectedSpansInput,
  mostVotes: number,
  axis: "" | "2",
): Record<string, unknown> {
  const color = spans.map((span) => kind === "selected" ? voteColor(span.votes / mostVotes) : COLORS[kind]);
  return {
    type: "bar",
    orientation: "h",
    name: names[kind],
    legendgroup: kind,
    showlegend: kind !== "selected" && axis === "",
    xaxis: `x${axis}`,
    yaxis: `y${axis}`,
    base: spans.map((span) => span.start),
    x: spans.map((span) => span.end - span.start),
    y: spans.map((span) => span.row),
    width: 0.72,
    // A border has its width in pixels, whatever the bar's: this is what shows of a span in a long context.
    marker: { color, line: { width: axis === "" ? 3 : 0, color } },
    text: spans.map((span) => spanText(span, input)),
    textposition: "none",
    hovertemplate: "%{text}<extra></extra>",
  };
}

/** Draws nothing itself: the legend's entry for picked spans, and the scale of their colours. */
function votesKey(mostVotes: number): Record<string, unknown> {
  return {
    type: "scatter",
    mode: "markers",
    name: names.selected,
    legendgroup: "selected",
    x: [null],
    y: [null],
    hoverinfo: "skip",
    marker: {
      symbol: "square",
      size: 12,
      color: [mostVotes / 2],
      colorscale: voteScale,
      cmin: 0,
      cmax: mostVotes,
      showscale: true,
      colorbar: { title: { text: "votes", side: "right" }, thickness: 12, len: 1, outlinewidth: 0 },
    },
  };
}

function spanText({ kind, start, end, votes, label }: Placed, { text }: SelectedSpansInput): string {
  const tokens = end - start === 1 ? `token ${grouped(start)}` : `tokens ${grouped(start)} to ${grouped(end - 1)}`;
  const voted = kind === "selected" ? `, ${votes} ${votes === 1 ? "vote" : "votes"}` : "";
  const words = text ? `<br>${wrapped(text(start, Math.min(end, start + 48)))}${end - start > 48 ? " …" : ""}` : "";
  return `<b>${label}</b>, ${names[kind]}: ${tokens}${voted}${words}`;
}

/** Breaks text into lines of about 60 characters. */
function wrapped(text: string): string {
  return (text.match(/.{1,60}(?:\s+|$)|\S{60}|\S+/gs) ?? []).map((line) => escapeLabel(line.trimEnd())).join("<br>");
}

function layoutOf(
  { length, needle, questionStart }: SelectedSpansInput,
  labels: readonly string[],
  near: TokenRange | undefined,
): Record<string, unknown> {
  const rows = Math.max(1, labels.length) * ROW_PIXELS;
  const inner = near ? 2 * rows + BETWEEN : rows;
  // The first picture is the upper one.
  const upper = [near ? (rows + BETWEEN) / inner : 0, 1];
  const grid = { gridcolor: "#eaeef2", zeroline: false, tickformat: ",d" };
  const rowAxis = {
    tickvals: labels.map((_, row) => row),
    ticktext: labels,
    range: [-0.6, Math.max(1, labels.length) - 0.4],
    fixedrange: true,
    showgrid: false,
    zeroline: false,
  };
  const second = near && {
    xaxis2: {
      ...grid,
      title: { text: "tokens around the needle", standoff: 8 },
      range: [near.start, near.end],
      anchor: "y2",
    },
    yaxis2: { ...rowAxis, domain: [0, rows / inner], anchor: "x2" },
  };
  return {
    ...baseLayout,
    height: TOP + inner + BOTTOM,
    margin: { l: labels.some((label) => label.includes("head")) ? 150 : 80, r: 20, t: TOP, b: BOTTOM },
    barmode: "overlay",
    legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", yref: "paper" },
    xaxis: {
      ...grid,
      title: { text: "token of the context", standoff: 8 },
      range: [-0.004 * length, 1.004 * length],
      anchor: "y",
    },
    yaxis: { ...rowAxis, domain: upper, anchor: "x" },
    ...second,
    shapes: needle ? needleShapes(needle, near !== undefined) : [],
    annotations: annotationsOf(length, needle, questionStart),
  };
}

function needleShapes(needle: TokenRange, twice: boolean): Record<string, unknown>[] {
  const shape = (axis: string) => ({
    type: "rect",
    xref: `x${axis}`,
    yref: `y${axis} domain`,
    x0: needle.start,
    x1: needle.end,
    y0: 0,
    y1: 1,
    line: { color: NEEDLE_COLOR, width: 1.5 },
    fillcolor: NEEDLE_COLOR,
    opacity: 0.35,
  });
  return twice ? [shape(""), shape("2")] : [shape("")];
}

function annotationsOf(
  length: number,
  needle: TokenRange | undefined,
  questionStart: number | undefined,
): Record<string, unknown>[] {
  const arrow = { yref: "y domain", y: 1, ax: 0, ay: -22, arrowhead: 2, arrowsize: 0.8, arrowwidth: 1.2 };
  const mark = (x: number, text: string, color: string) => ({
    ...arrow,
    x,
    text,
    arrowcolor: color,
    font: { size: 13, color },
    xanchor: x > 0.9 * length ? "right" : x < 0.1 * length ? "left" : "center",
  });
  const marks: Record<string, unknown>[] = [];
  if (needle) marks.push(mark((needle.start + needle.end) / 2, "needle", NEEDLE_COLOR));
  if (questionStart !== undefined) marks.push(mark(questionStart, "question", COLORS.window));
  if (needle) {
    marks.push({ ...mark((needle.start + needle.end) / 2, "needle", NEEDLE_COLOR), xref: "x2", yref: "y2 domain" });
  }
  return marks;
}
