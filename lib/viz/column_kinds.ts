import type { AttentionWeights } from "./attention_weights.ts";
import { markColors } from "./marks.ts";
import { theme } from "./theme.ts";
import type { TokenRange } from "./token_range.ts";

/** Pixels of the strip above a map that tells what its columns are, and between both. */
export const STRIP = 12;
const OFF = 4;

const names = { global: "leading tokens", selected: "selected", needle: "needle", window: "window" } as const;
type Kind = keyof typeof names;

/** Why a token was attended to; the needle is told apart. */
function kindOf(
  { globalCount = 0, windowStart = Infinity }: AttentionWeights,
  token: number,
  needle?: TokenRange,
): Kind {
  if (needle && token >= needle.start && token < needle.end) return "needle";
  return token < globalCount ? "global" : token >= windowStart ? "window" : "selected";
}

/** What the columns are, as stretches of colour above them; `width` attended tokens are one column. */
export function columnStrip(
  attention: AttentionWeights,
  width: number,
  needle: TokenRange | undefined,
  pixels: number,
): Record<string, unknown>[] {
  return stretches(attention, needle, false).map(({ kind, start, end }) => ({
    ...band("", pixels),
    x0: start / width - 0.5,
    x1: end / width - 0.5,
    fillcolor: markColors[kind],
    line: { width: 0 },
  }));
}

/** Above a map of the whole context: where the attended tokens stand in it. At most so many stretches. */
export function sourceStrip(
  attention: AttentionWeights,
  needle: TokenRange | undefined,
  pixels: number,
  most = 400,
): Record<string, unknown>[] {
  const { positions } = attention;
  const shapes = stretches(attention, needle, true).map(({ kind, start, end }) => ({
    ...band("2", pixels),
    x0: positions[start] - 0.5,
    x1: positions[end - 1] + 0.5,
    fillcolor: markColors[kind],
    // A span of a few tokens in a long context would be thinner than a pixel.
    line: { width: 1.5, color: markColors[kind] },
    needle: kind === "needle",
  }));
  // The needle is drawn last: neighbours' borders would cover it.
  return shapes.sort((a, b) => Number(a.needle) - Number(b.needle)).slice(-most).map(({ needle: _, ...shape }) =>
    shape
  );
}

function band(axis: "" | "2", pixels: number): Record<string, unknown> {
  return {
    type: "rect",
    xref: `x${axis}`,
    yref: `y${axis} domain`,
    y0: 1 + OFF / pixels,
    y1: 1 + (OFF + STRIP) / pixels,
  };
}

interface Stretch {
  readonly kind: Kind;
  readonly start: number;
  readonly end: number;
}

/** Columns of one kind side by side; `apart` ends a stretch also where tokens of the source were left out. */
function stretches(attention: AttentionWeights, needle: TokenRange | undefined, apart: boolean): Stretch[] {
  const { positions } = attention;
  const found: Stretch[] = [];
  let start = 0;
  for (let i = 1; i <= positions.length; i++) {
    const kind = kindOf(attention, positions[start], needle);
    const same = i < positions.length && kindOf(attention, positions[i], needle) === kind;
    if (same && !(apart && positions[i] > positions[i - 1] + 1)) continue;
    found.push({ kind, start, end: i });
    start = i;
  }
  return found;
}

/** Legend entries of the strip: traces that draw nothing themselves. */
export function kindKeys(attention: AttentionWeights, needle: TokenRange | undefined): Record<string, unknown>[] {
  const there = new Set(stretches(attention, needle, false).map(({ kind }) => kind));
  return (Object.keys(names) as Kind[]).filter((kind) => there.has(kind)).map((kind) => ({
    type: "scatter",
    mode: "markers",
    name: names[kind],
    x: [null],
    y: [null],
    hoverinfo: "skip",
    showlegend: true,
    marker: { symbol: "square", size: 12, color: markColors[kind] },
  }));
}

/** Lines in the page's own colour where tokens of the source were left out. */
export function columnBreaks({ positions }: AttentionWeights, width: number, most = 200): Record<string, unknown>[] {
  const line = { color: theme.paper, width: 1.5 };
  return breakColumns(positions, width).slice(0, most)
    .map((x) => ({ type: "line", xref: "x", yref: "y domain", x0: x, x1: x, y0: 0, y1: 1, line }));
}

/** Between which columns tokens of the source were left out. */
export function breakColumns(positions: ArrayLike<number>, width: number): number[] {
  const at: number[] = [];
  for (let i = 1; i < positions.length; i++) {
    if (positions[i] > positions[i - 1] + 1) at.push(i / width - 0.5);
  }
  return at;
}
