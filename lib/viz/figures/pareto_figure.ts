import { axisOf, rangeOf, type Scale, ticksAt } from "../axis.ts";
import { checkFinite } from "../checks.ts";
import { baseLayout, escapeLabel, type Figure, rounded, rowLegend, symbols, titleOf, topMargin } from "../figure.ts";
import { firstThatFits } from "../size_limit.ts";
import { palette, theme } from "../theme.ts";

/** One setting: what it costs and what it reaches. */
export interface ParetoPoint {
  /** Its name. */
  readonly name: string;
  /** What it costs; less is better. */
  readonly x: number;
  /** What it reaches; more is better. */
  readonly y: number;
  /** Lower end of y's interval. */
  readonly low?: number;
  /** Upper end of y's interval. */
  readonly high?: number;
  /** Words for the hover text. */
  readonly text?: string;
}

/** What to draw. */
export interface ParetoInput {
  /** Above the figure; none where it is empty. */
  readonly title: string;
  /** What x is, with its unit. */
  readonly xTitle: string;
  /** What y is, with its unit. */
  readonly yTitle: string;
  /** Default: "linear". */
  readonly xScale?: Scale;
  /** In any order. */
  readonly points: readonly ParetoPoint[];
}

const NAME = "paretoFigure";
/** A plot's usual size in pixels, to see which names would touch. */
const WIDE = 620;
const HIGH = 300;

/**
 * Settings by cost and result, with the front drawn: those that no other setting beats in both. A setting off the front is
 * hollow. Names that have no room stand in the hover text only.
 *
 * @throws {RangeError} for a value that is no finite number, or is not above 0 on a logarithmic axis.
 *
 * @example
 * ```ts
 * import { paretoFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const figure = paretoFigure({
 *   title: "",
 *   xTitle: "attended tokens",
 *   yTitle: "exact match (share)",
 *   points: [{ name: "k 4", x: 200, y: 0.8 }, { name: "k 8", x: 400, y: 1 }, { name: "k 16", x: 800, y: 1 }],
 * });
 * assertEquals(figure.data.map(({ name }) => name), ["front", "on the front", "off the front"]);
 * ```
 */
export function paretoFigure(input: ParetoInput): Figure {
  for (const { name, x, y, low = y, high = y } of input.points) {
    checkFinite(NAME, `x of "${name}"`, x, input.xScale);
    for (const [part, value] of Object.entries({ y, low, high })) checkFinite(NAME, `${part} of "${name}"`, value);
  }
  const front = paretoFront(input.points);
  return firstThatFits(NAME, [() => build(input, front)]);
}

/** The points that no other beats: less x for at least as much y. In order of x. */
export function paretoFront<Point extends { readonly x: number; readonly y: number }>(
  points: readonly Point[],
): Point[] {
  const front: Point[] = [];
  for (const point of [...points].sort((a, b) => a.x - b.x || b.y - a.y)) {
    const best = front.at(-1);
    const same = best && best.x === point.x && best.y === point.y;
    if (!best || point.y > best.y || same) front.push(point);
  }
  return front;
}

function build(
  { title, xTitle, yTitle, xScale = "linear", points }: ParetoInput,
  front: readonly ParetoPoint[],
): Figure {
  const on = new Set(front);
  const rest = points.filter((point) => !on.has(point));
  const xs = points.map(({ x }) => x);
  const xRange = rangeOf(xs, xScale);
  const yRange = rangeOf(points.flatMap(({ y, low = y, high = y }) => [y, low, high]), "linear");
  const [labels, restLabels] = namesThatFit([front, rest], xRange, yRange, xScale);
  const words = (point: ParetoPoint) => pointText(point, xTitle, yTitle);
  const line = {
    type: "scatter",
    mode: "lines",
    name: "front",
    x: front.map(({ x }) => x),
    y: front.map(({ y }) => y),
    line: { shape: "hv", color: palette[2], width: 2, dash: "dot" },
    hoverinfo: "skip",
  };
  return {
    data: [
      line,
      {
        ...pointsTrace("on the front", front, words, palette[2], symbols[0]),
        mode: "markers+text",
        text: labels.map(({ text }) => text),
        textposition: labels.map(({ side }) => side === "left" ? "top left" : "bottom right"),
      },
      ...(rest.length > 0
        ? [{
          ...pointsTrace("off the front", rest, words, palette[0], `${symbols[0]}-open`),
          mode: "markers+text",
          text: restLabels.map(({ text }) => text),
          textposition: restLabels.map(({ side }) => `middle ${side}`),
        }]
        : []),
    ],
    layout: {
      ...baseLayout,
      ...titleOf(title),
      height: 420,
      margin: { l: 70, r: 20, t: topMargin(title, 1), b: 60 },
      legend: rowLegend,
      xaxis: axisOf(xTitle, { type: xScale, range: xRange, ...ticksAt(xs, xRange, xScale) }),
      yaxis: axisOf(yTitle, { range: [yRange[0], yRange[1] + 0.06 * (yRange[1] - yRange[0])] }),
    },
  };
}

function pointsTrace(
  name: string,
  points: readonly ParetoPoint[],
  words: (point: ParetoPoint) => string,
  color: string,
  symbol: string,
): Record<string, unknown> {
  const bounded = points.some(({ low, high }) => low !== undefined || high !== undefined);
  const error = {
    type: "data",
    symmetric: false,
    array: points.map(({ y, high = y }) => high - y),
    arrayminus: points.map(({ y, low = y }) => y - low),
    color,
    thickness: 1.5,
    width: 4,
  };
  return {
    type: "scatter",
    mode: "markers",
    name,
    x: points.map(({ x }) => x),
    y: points.map(({ y }) => y),
    ...(bounded ? { error_y: error } : {}),
    marker: { color, size: 10, symbol },
    textfont: { size: 12, color: theme.ink },
    hovertext: points.map(words),
    hovertemplate: "%{hovertext}<extra></extra>",
  };
}

function pointText({ name, x, y, low, high, text }: ParetoPoint, xTitle: string, yTitle: string): string {
  const interval = low === undefined || high === undefined ? "" : `<br>interval ${rounded(low)} to ${rounded(high)}`;
  const words = text === undefined ? "" : `<br>${escapeLabel(text)}`;
  const values = `${escapeLabel(xTitle)}: ${rounded(x, 6)}<br>${escapeLabel(yTitle)}: ${rounded(y)}`;
  return `<b>${escapeLabel(name)}</b><br>${values}${interval}${words}`;
}

/** A name, and the side of its point where it stands. */
interface PlacedName {
  readonly text: string;
  readonly side: "left" | "right";
}

/**
 * Names beside their points, those of the front first; an empty one where it would touch one before, or another point. The
 * front rises to the right, so there is room above it to the left; names of other points stand to the right. At an end of
 * the picture a name goes to the other side.
 */
function namesThatFit(
  [front, rest]: readonly [readonly ParetoPoint[], readonly ParetoPoint[]],
  xRange: readonly [number, number],
  yRange: readonly [number, number],
  scale: Scale,
): [PlacedName[], PlacedName[]] {
  const pixel = ({ x, y }: ParetoPoint) => ({
    x: ((scale === "log" ? Math.log10(x) : x) - xRange[0]) / (xRange[1] - xRange[0]) * WIDE,
    y: (y - yRange[0]) / (yRange[1] - yRange[0]) * HIGH,
  });
  const taken = rest.map(pixel).map(({ x, y }) => ({ left: x - 7, right: x + 7, y }));
  const place = (point: ParetoPoint, usual: PlacedName["side"], up: number): PlacedName => {
    const at = pixel(point);
    const wide = point.name.length * 7 + 14;
    const side = at.x < wide ? "right" : at.x > WIDE - wide ? "left" : usual;
    const [left, right] = side === "left" ? [at.x - wide, at.x - 8] : [at.x + 8, at.x + wide];
    const box = { left, right, y: at.y + (side === "left" ? up : -up) };
    const touches = taken.some((other) => left < other.right && right > other.left && Math.abs(box.y - other.y) < 18);
    if (touches || point.name.length > 40) return { text: "", side };
    taken.push(box);
    return { text: escapeLabel(point.name), side };
  };
  return [front.map((point) => place(point, "left", 10)), rest.map((point) => place(point, "right", 0))];
}
