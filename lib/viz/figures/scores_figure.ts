import { axisOf } from "../axis.ts";
import { binned, shortNumbers } from "../bins.ts";
import { baseLayout, escapeLabel, type Figure, grouped, titleOf, topMargin } from "../figure.ts";
import { contextMarks, markColors, needleShape } from "../marks.ts";
import { firstThatFits } from "../size_limit.ts";
import { palette, theme } from "../theme.ts";
import { inContext, tokensNamed } from "../token_text.ts";
import type { TokenRange, TokenText } from "../token_range.ts";

/** One head's scores along the context. */
export interface ScoreCurve {
  /** What was scored, as "position-agnostic" or "rotated". */
  readonly name: string;
  /** One score per cached position, from the context's first token on: the dot product of query and key. */
  readonly scores: ArrayLike<number>;
  /** Tokens that the head would pick by these scores, marked. */
  readonly picked?: ArrayLike<number>;
}

/** What to draw. */
export interface ScoresInput {
  /** One picture each, one below the other. */
  readonly curves: readonly ScoreCurve[];
  /** Above the figure; none where it is empty. */
  readonly title?: string;
  /** The asked-for needle, marked. */
  readonly needle?: TokenRange;
  /** First token of the question. */
  readonly questionStart?: number;
  /** The text of a stretch of tokens, for the hover text. */
  readonly text?: TokenText;
}

const NAME = "scoresFigure";
const HEIGHT = 200;
const BETWEEN = 60;

/**
 * A head's scores along the context before selection, one picture per way of scoring. Without positions, the needle's
 * tokens stand out wherever they are; with positions rotated in, scores fall and swing with distance. Long contexts are put
 * into stretches: the line is each stretch's greatest score, which selection sees, the band reaches down to its least.
 *
 * @throws {RangeError} where there is no curve, or curves differ in length.
 *
 * @example
 * ```ts
 * import { scoresFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const figure = scoresFigure({ curves: [{ name: "position-agnostic", scores: [0.5, 2, 1], picked: [1] }] });
 * assertEquals(figure.data[1].y, [0.5, 2, 1]);
 * ```
 */
export function scoresFigure(input: ScoresInput): Figure {
  const [first] = input.curves;
  if (!first || first.scores.length === 0) throw new RangeError(`${NAME}: there are no scores to draw`);
  for (const { name, scores } of input.curves) {
    if (scores.length === first.scores.length) continue;
    const found = `"${name}" has ${scores.length} scores, "${first.name}" ${first.scores.length}`;
    throw new RangeError(`${NAME}: ${found}; all need one for each position`);
  }
  const levels = [[1500, true], [1500, false], [600, false], [200, false]] as const;
  return firstThatFits(NAME, levels.map(([bins, words]) => () => build(input, bins, words)));
}

function build(input: ScoresInput, most: number, words: boolean): Figure {
  const { curves, needle, questionStart, title = "" } = input;
  const length = curves[0].scores.length;
  const inner = curves.length * HEIGHT + (curves.length - 1) * BETWEEN;
  const top = topMargin(title, 1) + 36;
  const layout: Record<string, unknown> = {
    ...baseLayout,
    ...titleOf(title),
    height: top + inner + 60,
    margin: { l: 70, r: 20, t: top, b: 60 },
    legend: { orientation: "h", x: 1, xanchor: "right", y: 1 + 30 / inner, yanchor: "bottom" },
    shapes: needle ? curves.map((_, row) => needleShape(needle, axisNumber(row))) : [],
  };
  const names: Record<string, unknown>[] = [];
  curves.forEach(({ name }, row) => {
    const last = row === curves.length - 1;
    const high = 1 - row * (HEIGHT + BETWEEN) / inner;
    const low = Math.max(0, high - HEIGHT / inner);
    const width = Math.max(1, Math.ceil(length / most));
    const along = width === 1 ? "" : `, ${grouped(width)} a point`;
    layout[`xaxis${axisNumber(row)}`] = axisOf(last ? `position in the context (tokens${along})` : "", {
      tickformat: ",d",
      nticks: 8,
      range: [-0.004 * length, 1.004 * length],
      anchor: `y${axisNumber(row)}`,
      ...(row > 0 ? { matches: "x" } : {}),
    });
    layout[`yaxis${axisNumber(row)}`] = axisOf("score (q·k)", {
      domain: [low, high],
      anchor: `x${axisNumber(row)}`,
      nticks: 5,
    });
    const at = {
      x: 0,
      xref: "paper",
      xanchor: "left",
      y: high,
      yref: "paper",
      yanchor: "bottom",
      yshift: row === 0 ? 22 : 4,
    };
    names.push({ ...at, showarrow: false, font: { size: 13, color: theme.ink }, text: `<b>${escapeLabel(name)}</b>` });
  });
  layout.annotations = [...names, ...contextMarks({ needle, questionStart, length })];
  return { data: curves.flatMap((curve, row) => traces(curve, row, input, most, words)), layout };
}

const axisNumber = (row: number) => row === 0 ? "" : String(row + 1);

function traces(
  curve: ScoreCurve,
  row: number,
  { text }: ScoresInput,
  most: number,
  words: boolean,
): Record<string, unknown>[] {
  const { scores, picked = [] } = curve;
  const { width, low, high } = binned(scores, most);
  const axes = { xaxis: `x${axisNumber(row)}`, yaxis: `y${axisNumber(row)}`, showlegend: false };
  const starts = Array.from(high, (_, bin) => bin * width);
  const color = palette[2];
  const told = starts.map((start) => {
    const best = bestOf(scores, start, Math.min(scores.length, start + width));
    const where = width === 1
      ? `token ${grouped(start)}`
      : `${tokensNamed(start, Math.min(scores.length, start + width))}<br>best ${grouped(best)}`;
    return `<b>${where}</b>${text && words ? ` ${inContext(text, best, scores.length)}` : ""}`;
  });
  const marks = Array.from({ length: picked.length }, (_, i) => picked[i]).filter((token) => token < scores.length);
  return [
    {
      ...axes,
      type: "scatter",
      mode: "lines",
      x: starts,
      y: shortNumbers(low),
      line: { width: 0, color },
      hoverinfo: "skip",
    },
    {
      ...axes,
      type: "scatter",
      mode: "lines",
      name: curve.name,
      x: starts,
      y: shortNumbers(high, 4),
      line: { color, width: 1 },
      ...(width > 1 ? { fill: "tonexty" } : {}),
      text: told,
      hovertemplate: "%{text}<br>score %{y}<extra></extra>",
    },
    {
      ...axes,
      showlegend: row === 0 && marks.length > 0,
      type: "scatter",
      mode: "markers",
      name: "the head's top k",
      x: marks,
      y: marks.map((token) => Number(scores[token].toPrecision(4))),
      marker: { color: markColors.selected, size: 8, symbol: "diamond" },
      text: marks.map((token) =>
        `<b>picked: token ${grouped(token)}</b>${text && words ? ` ${inContext(text, token, scores.length)}` : ""}`
      ),
      hovertemplate: "%{text}<br>score %{y}<extra></extra>",
    },
  ];
}

function bestOf(scores: ArrayLike<number>, start: number, end: number): number {
  let best = start;
  for (let i = start; i < end; i++) if (scores[i] > scores[best]) best = i;
  return best;
}
