import { axisOf } from "./axis.ts";
import { baseLayout, titleOf } from "./figure.ts";
import { arrowTo, contextMarks, markColors, needleShape } from "./marks.ts";
import type { TokenRange } from "./token_range.ts";

/** Tokens shown on each side of the needle. */
const AROUND = 128;
/** Room above, between and below the two pictures. */
const TOP = 70;
const BETWEEN = 110;
const BOTTOM = 60;

/** What a map of spans shows beside the spans. */
export interface SpansLayoutInput {
  /** Tokens in the context. */
  readonly length: number;
  /** The asked-for needle. */
  readonly needle?: TokenRange;
  /** First token of the question. */
  readonly questionStart?: number;
  /** Names of the rows, bottom to top. */
  readonly labels: readonly string[];
  /** Above the figure; none where it is empty. */
  readonly title?: string;
}

/** The tokens around the needle that the second picture shows; none without a needle. */
export function aroundNeedle(needle: TokenRange | undefined, length: number): TokenRange | undefined {
  return needle && { start: Math.max(0, needle.start - AROUND), end: Math.min(length, needle.end + AROUND) };
}

/** One picture of the whole context, and a second one of what lies around the needle. */
export function spansLayout(
  { length, needle, questionStart, labels, title = "" }: SpansLayoutInput,
): Record<string, unknown> {
  const near = aroundNeedle(needle, length);
  const count = Math.max(1, labels.length);
  const rows = count * rowPixels(count);
  const inner = near ? 2 * rows + BETWEEN : rows;
  const top = TOP + (title ? 30 : 0);
  // The first picture is the upper one.
  const upper = [near ? (rows + BETWEEN) / inner : 0, 1];
  const tokens = { tickformat: ",d", nticks: 8 };
  const every = Math.ceil(count / 40);
  const named = labels.map((label, row) => ({ label, row })).filter(({ row }) => row % every === 0);
  const rowAxis = {
    tickvals: named.map(({ row }) => row),
    ticktext: named.map(({ label }) => label),
    range: [-0.6, count - 0.4],
    fixedrange: true,
    showgrid: false,
    zeroline: false,
    automargin: true,
  };
  const second = near && {
    xaxis2: axisOf("tokens around the needle", { ...tokens, range: [near.start, near.end], anchor: "y2" }),
    yaxis2: { ...rowAxis, domain: [0, rows / inner], anchor: "x2" },
  };
  const center = needle && (needle.start + needle.end) / 2;
  return {
    ...baseLayout,
    ...titleOf(title),
    height: top + inner + BOTTOM,
    margin: { l: 80, r: 20, t: top, b: BOTTOM },
    barmode: "overlay",
    legend: { orientation: "h", x: 0, y: 1 + 26 / inner, yanchor: "bottom", yref: "paper" },
    xaxis: axisOf("position in the context (tokens)", {
      ...tokens,
      range: [-0.004 * length, 1.004 * length],
      anchor: "y",
    }),
    yaxis: { ...rowAxis, domain: upper, anchor: "x" },
    ...second,
    shapes: needle ? [needleShape(needle), needleShape(needle, "2")] : [],
    annotations: [
      ...contextMarks({ needle, questionStart, length }),
      ...(near && center !== undefined
        ? [arrowTo(center, "needle", markColors.needle, [near.start, near.end], "2")]
        : []),
    ],
  };
}

/** Rows become lower where there are many, so that a figure fits a screen or two. */
function rowPixels(count: number): number {
  return count <= 16 ? 34 : count <= 40 ? 24 : 12;
}
