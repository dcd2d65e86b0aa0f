import { axisOf } from "../axis.ts";
import { baseLayout, escapeLabel, type Figure, grouped, rounded, titleOf, topMargin } from "../figure.ts";
import { markColors } from "../marks.ts";
import { firstThatFits } from "../size_limit.ts";
import { theme } from "../theme.ts";
import type { TokenRange, TokenText } from "../token_range.ts";
import { shadeScale } from "../weight_scale.ts";

/** What to draw. */
export interface ShadedTextInput {
  /** Positions in the whole context of the tokens to show, rising. */
  readonly positions: ArrayLike<number>;
  /** Weight of each, as one head's row or a mean over heads. */
  readonly weights: ArrayLike<number>;
  /** The text of a stretch of tokens. */
  readonly text: TokenText;
  /** Above the figure; none where it is empty. */
  readonly title?: string;
  /** The asked-for needle, underlined. */
  readonly needle?: TokenRange;
  /** Room for it across; lines hold 40 to 100 characters. Default: as much as 100 take. */
  readonly pixels?: number;
}

const NAME = "shadedTextFigure";
/** Characters of a line at least and at most, and pixels of one character and one line. */
const LEAST = 40;
const LINE = 100;
const CHARACTER = 7.9;
const HEIGHT = 24;
const LEFT = 80;
const RIGHT = 110;

interface Cell {
  readonly token: number;
  readonly weight: number;
  readonly text: string;
  readonly line: number;
  readonly start: number;
}

/**
 * Text shaded by attention: attended tokens one after the other as in a book, the darker the more weight they get. A new
 * line begins where tokens of the source were left out; the number before it is the position of its first token. Of very many
 * tokens, the spans with the most weight are shown.
 *
 * @throws {RangeError} where weights and positions differ in number, or there are none.
 *
 * @example
 * ```ts
 * import { shadedTextFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const words = ["The", " code", " is", " 42"];
 * const text = (start: number, end: number) => words.slice(start, end).join("");
 * const figure = shadedTextFigure({ positions: [0, 1, 3], weights: [0.1, 0.2, 0.7], text });
 * assertEquals(figure.data[1].text, ["The", "\u00a0code", "\u00a042"]);
 * ```
 */
export function shadedTextFigure(input: ShadedTextInput): Figure {
  const { positions, weights } = input;
  if (positions.length !== weights.length || positions.length === 0) {
    const found = `${positions.length} positions and ${weights.length} weights`;
    throw new RangeError(`${NAME}: there are ${found}; give one weight for each position, at least one`);
  }
  const across = charactersAcross(input.pixels);
  return firstThatFits(NAME, [80, 40, 20, 10].map((lines) => () => build(input, { lines, across })));
}

/** Characters of a line that has so much room. */
function charactersAcross(pixels: number | undefined): number {
  if (pixels === undefined) return LINE;
  if (!(pixels >= 0)) throw new RangeError(`${NAME}: pixels ${pixels} must be a number of at least 0`);
  return Math.max(LEAST, Math.min(LINE, Math.floor((pixels - LEFT - RIGHT) / CHARACTER)));
}

/** Most lines of a text, and most characters of a line. */
interface Room {
  readonly lines: number;
  readonly across: number;
}

function build(input: ShadedTextInput, room: Room): Figure {
  const { needle, title = "" } = input;
  const { cells, lines, left } = placed(input, room);
  const top = topMargin(title, 0) + 10;
  const most = cells.reduce((high, { weight }) => Math.max(high, weight), 1e-12);
  const note = left > 0 ? `${grouped(left)} attended tokens with less weight are not shown` : "";
  return {
    data: [shades(cells, most), words(cells, most)],
    layout: {
      ...baseLayout,
      ...titleOf(title),
      showlegend: false,
      barmode: "overlay",
      autosize: false,
      width: LEFT + room.across * CHARACTER + RIGHT,
      height: top + lines.length * HEIGHT + 50,
      margin: { l: LEFT, r: RIGHT, t: top, b: 50 },
      xaxis: axisOf(note, {
        range: [-0.5, room.across + 0.5],
        showticklabels: false,
        showgrid: false,
        fixedrange: true,
      }),
      yaxis: axisOf("position in the context", {
        range: [lines.length - 0.5, -0.5],
        tickvals: lines.map((_, line) => line),
        ticktext: lines.map((token) => token === undefined ? "" : grouped(token)),
        showgrid: false,
        fixedrange: true,
      }),
      shapes: needle ? underlines(cells, needle) : [],
    },
  };
}

/** A bar behind each token, darker with its weight. */
function shades(cells: readonly Cell[], most: number): Record<string, unknown> {
  return {
    type: "bar",
    orientation: "h",
    base: cells.map(({ start }) => start),
    x: cells.map(({ text }) => text.length),
    y: cells.map(({ line }) => line),
    width: 0.9,
    marker: {
      color: cells.map(({ weight }) => Number(weight.toPrecision(4))),
      colorscale: shadeScale,
      cmin: 0,
      cmax: Number(most.toPrecision(4)),
      line: { width: 0 },
      colorbar: { title: { text: "weight", side: "right" }, thickness: 12, outlinewidth: 0, len: 1 },
    },
    text: cells.map(({ token, weight }) => `token ${grouped(token)}<br><b>weight ${rounded(weight)}</b>`),
    textposition: "none",
    hovertemplate: "%{text}<extra></extra>",
  };
}

/** The tokens themselves. */
function words(cells: readonly Cell[], most: number): Record<string, unknown> {
  return {
    type: "scatter",
    mode: "text",
    x: cells.map(({ start, text }) => start + text.length / 2),
    y: cells.map(({ line }) => line),
    text: cells.map(({ text }) => asWritten(text)),
    textfont: {
      family: "DejaVu Sans Mono, Menlo, Consolas, monospace",
      size: 13,
      // Words on the darkest cells are light.
      color: cells.map(({ weight }) => weight > 0.45 * most ? theme.paper : theme.ink),
    },
    hoverinfo: "skip",
  };
}

function underlines(cells: readonly Cell[], needle: TokenRange): Record<string, unknown>[] {
  return cells.filter(({ token }) => token >= needle.start && token < needle.end).map(({ start, text, line }) => ({
    type: "line",
    x0: start,
    x1: start + text.length,
    y0: line + 0.45,
    y1: line + 0.45,
    line: { color: markColors.needle, width: 3 },
  }));
}

/** Blanks that plotly would drop stay; an end of line is shown as a sign. */
function asWritten(text: string): string {
  return escapeLabel(text.replace(/\n/g, "⏎").replace(/\s/g, "\u00a0"));
}

/** Tokens in lines; `lines` holds the first position of those that start a span. */
function placed({ positions, weights, text }: ShadedTextInput, room: Room): {
  cells: Cell[];
  lines: (number | undefined)[];
  left: number;
} {
  const spans: { start: number; end: number; weight: number }[] = [];
  for (let i = 0; i < positions.length; i++) {
    const last = spans.at(-1);
    if (last && positions[i] === positions[i - 1] + 1) {
      last.end = i + 1;
      last.weight += weights[i];
    } else spans.push({ start: i, end: i + 1, weight: weights[i] });
  }
  // The heaviest spans first, until the lines are full; then in order of the source.
  const chosen: { start: number; cells: Cell[]; lines: number }[] = [];
  let used = 0;
  for (const { start, end } of [...spans].sort((a, b) => b.weight - a.weight)) {
    const { cells, lines } = spanCells({ start, end }, { positions, weights, text }, {
      ...room,
      lines: room.lines - used,
    });
    if (cells.length === 0) break;
    chosen.push({ start, cells, lines });
    used += lines;
    if (used >= room.lines) break;
  }
  const cells: Cell[] = [];
  const lines: (number | undefined)[] = [];
  for (const span of chosen.sort((a, b) => a.start - b.start)) {
    cells.push(...span.cells.map((cell) => ({ ...cell, line: cell.line + lines.length })));
    for (let line = 0; line < span.lines; line++) lines.push(line === 0 ? positions[span.start] : undefined);
  }
  return { cells, lines, left: positions.length - cells.length };
}

function spanCells(
  { start, end }: TokenRange,
  { positions, weights, text }: ShadedTextInput,
  room: Room,
): { cells: Cell[]; lines: number } {
  const cells: Cell[] = [];
  let [line, at] = [0, 0];
  for (let i = start; i < end; i++) {
    const words = [...text(positions[i], positions[i] + 1)].slice(0, room.across).join("") || "·";
    if (at + words.length > room.across) {
      line++;
      at = 0;
    }
    if (line >= room.lines) break;
    cells.push({ token: positions[i], weight: weights[i], text: words, line, start: at });
    at += words.length;
  }
  return { cells, lines: cells.length === 0 ? 0 : cells[cells.length - 1].line + 1 };
}
