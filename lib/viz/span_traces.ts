import { type AttendedLayer, type AttendedSpan, attendedSpans } from "./attended_spans.ts";
import { markColors } from "./marks.ts";
import { tokensNamed, wrapped } from "./token_text.ts";
import type { TokenRange, TokenText } from "./token_range.ts";
import { voteScale } from "./theme.ts";

/** A span in its row of the picture. */
export interface PlacedSpan extends AttendedSpan {
  /** Row from the bottom. */
  readonly row: number;
  /** What the row is. */
  readonly label: string;
}

/** The kinds of spans in the order they are drawn. */
export const spanKinds = ["global", "window", "selected"] as const;
const names = { global: "leading tokens", window: "window", selected: "selected" };

/** Labels of the rows: one per layer, or per KV head where heads select on their own. */
export function rowLabels(layers: readonly AttendedLayer[]): string[] {
  return layers.flatMap(({ layer, groups }) =>
    groups.map((_, group) => groups.length === 1 ? `layer ${layer}` : `layer ${layer}, KV head ${group}`)
  );
}

/**
 * Every layer's spans in their rows.
 *
 * @param apart picked spans with no more tokens than this between them become one
 */
export function placedSpans(layers: readonly AttendedLayer[], apart = 0): PlacedSpan[] {
  const labels = rowLabels(layers);
  const groups = layers.flatMap((layer) => layer.groups);
  return groups.flatMap((group, row) =>
    joined(attendedSpans(group), apart).map((span) => ({ ...span, row, label: labels[row] }))
  );
}

function joined(spans: readonly AttendedSpan[], apart: number): readonly AttendedSpan[] {
  if (apart === 0) return spans;
  const kept: AttendedSpan[] = [];
  for (const span of spans) {
    const last = kept.at(-1);
    if (last?.kind === "selected" && span.kind === "selected" && span.start - last.end <= apart) {
      kept[kept.length - 1] = { ...last, end: span.end, votes: last.votes + span.votes };
    } else kept.push(span);
  }
  return kept;
}

/** How spans are drawn. */
export interface SpanDrawing {
  /** The text of a stretch of tokens. */
  readonly text?: TokenText;
  /** Most tokens of a span whose text is told. */
  readonly textTokens: number;
}

/** The parts of a trace that differ from step to step. */
export interface SpanArrays {
  readonly base: number[];
  readonly x: number[];
  readonly y: number[];
  readonly text: string[];
  /** One colour, or one number of votes per span. */
  readonly color: string | number[];
}

/** Spans of one kind, in parts; those that touch `near` only, where it is given. */
export function spanArrays(
  kind: AttendedSpan["kind"],
  spans: readonly PlacedSpan[],
  drawing: SpanDrawing,
  near?: TokenRange,
): SpanArrays {
  const shown = spans.filter((span) => span.kind === kind && (!near || span.start < near.end && span.end > near.start));
  return {
    base: shown.map((span) => span.start),
    x: shown.map((span) => span.end - span.start),
    y: shown.map((span) => span.row),
    text: shown.map((span) => spanText(span, drawing)),
    color: kind === "selected" ? shown.map((span) => span.votes) : markColors[kind],
  };
}

/** Spans as bars of their true width; in the picture of the whole context with a border that keeps them visible. */
export function spanTrace(
  kind: AttendedSpan["kind"],
  { color, ...arrays }: SpanArrays,
  mostVotes: number,
  axis: "" | "2",
): Record<string, unknown> {
  const scale = kind === "selected" ? { colorscale: voteScale, cmin: 0, cmax: mostVotes } : {};
  return {
    type: "bar",
    orientation: "h",
    name: names[kind],
    legendgroup: kind,
    showlegend: kind !== "selected" && axis === "",
    xaxis: `x${axis}`,
    yaxis: `y${axis}`,
    ...arrays,
    width: 0.72,
    // A border has its width in pixels, whatever the bar's: this is what shows of a span in a long context.
    marker: { color, ...scale, line: { width: axis === "" ? 3 : 0, color, ...scale } },
    textposition: "none",
    hovertemplate: "%{text}<extra></extra>",
  };
}

/** Draws nothing itself: the legend's entry for picked spans, and the scale of their colours. */
export function votesKey(mostVotes: number): Record<string, unknown> {
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
      colorbar: {
        title: { text: "votes", side: "right" },
        thickness: 12,
        len: 1,
        outlinewidth: 0,
        dtick: votesTick(mostVotes),
      },
    },
  };
}

/** Whole votes from tick to tick. */
export function votesTick(mostVotes: number): number {
  return Math.max(1, Math.ceil(mostVotes / 6));
}

function spanText({ kind, start, end, votes, label }: PlacedSpan, { text, textTokens }: SpanDrawing): string {
  const voted = kind === "selected" ? `, ${votes} ${votes === 1 ? "vote" : "votes"}` : "";
  const cut = end - start > textTokens;
  const words = text && textTokens > 0
    ? `<br>${wrapped(text(start, Math.min(end, start + textTokens)))}${cut ? " …" : ""}`
    : "";
  return `<b>${label}</b>, ${names[kind]}: ${tokensNamed(start, end)}${voted}${words}`;
}
