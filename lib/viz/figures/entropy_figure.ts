import { axisOf, rangeOf, ticksAt } from "../axis.ts";
import { checkFinite } from "../checks.ts";
import {
  baseLayout,
  escapeLabel,
  type Figure,
  grouped,
  legendRows,
  rounded,
  symbols,
  titleOf,
  topMargin,
} from "../figure.ts";
import { firstThatFits } from "../size_limit.ts";
import { palette, theme } from "../theme.ts";

/** How spread one layer's attention was at one length. */
export interface EntropyPoint {
  /** Name of the method. */
  readonly method: string;
  /** The layer's number. */
  readonly layer: number;
  /** Tokens in the context. */
  readonly length: number;
  /** Tokens attended to. */
  readonly attended: number;
  /** Entropy of the attention weights in nats, averaged over heads (and rows, where there are several). */
  readonly entropy: number;
  /** Least entropy of a head. */
  readonly low?: number;
  /** Greatest entropy of a head. */
  readonly high?: number;
}

/** What to draw. */
export interface EntropyInput {
  /** In any order. */
  readonly points: readonly EntropyPoint[];
  /** Above the figure; none where it is empty. */
  readonly title?: string;
  /** Tokens the model was trained with; marked. */
  readonly trainedContext?: number;
}

const NAME = "entropyFigure";
const PICTURE = 240;
const BETWEEN = 40;
const dashes = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];

/**
 * Attention entropy against length: in nats above, divided by the logarithm of the attended length below. A line is a
 * method's layer; methods have colours, layers have dashes and marks. Where attention reads the whole context, its entropy
 * grows with it; where it reads a selection it stays what training made it (the paper's second condition).
 *
 * @throws {RangeError} for a length or an attended number below 1, or an entropy that is no number.
 *
 * @example
 * ```ts
 * import { entropyFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const points = [{ method: "full", layer: 0, length: 512, attended: 512, entropy: Math.log(512) }];
 * assertEquals(entropyFigure({ points }).data[1].y, [1]);
 * ```
 */
export function entropyFigure(input: EntropyInput): Figure {
  for (const { method, layer, length, attended, entropy } of input.points) {
    const where = `of "${method}", layer ${layer}`;
    checkFinite(NAME, `length ${where}`, length, "log");
    checkFinite(NAME, `attended ${where}`, attended, "log");
    checkFinite(NAME, `entropy ${where}`, entropy);
  }
  return firstThatFits(NAME, [() => build(input)]);
}

function build({ points, title = "", trainedContext }: EntropyInput): Figure {
  const methods = [...new Set(points.map(({ method }) => method))];
  const layers = [...new Set(points.map(({ layer }) => layer))].sort((a, b) => a - b);
  const lengths = points.map(({ length }) => length);
  const range = rangeOf(trainedContext ? [...lengths, trainedContext] : lengths, "log");
  const inner = 2 * PICTURE + BETWEEN;
  const keys = [...methods.map((method, m) => methodKey(method, m)), ...layerKeys(layers)];
  const top = topMargin(title, legendRows(keys.map(({ name }) => String(name)))) + 8;
  const share = PICTURE / inner;
  const ticks = ticksAt(lengths, range, "log");
  const line = { type: "line", layer: "below", line: { color: theme.rule, width: 1, dash: "dot" } };
  const mark = trainedContext === undefined ? [] : ["y", "y2"].map((axis) => ({
    ...line,
    x0: trainedContext,
    x1: trainedContext,
    y0: 0,
    y1: 1,
    yref: `${axis} domain`,
  }));
  const words = trainedContext === undefined ? [] : [{
    x: Math.log10(trainedContext),
    xanchor: "left",
    xshift: 4,
    y: 1,
    yref: "y domain",
    yanchor: "top",
    showarrow: false,
    align: "left",
    bgcolor: theme.veil,
    font: { size: 12, color: theme.muted },
    text: `trained with ${grouped(trainedContext)}`,
  }];
  const data = methods.flatMap((method, m) =>
    layers.flatMap((layer, l) => {
      const own = points.filter((point) => point.method === method && point.layer === layer)
        .sort((a, b) => a.length - b.length);
      return own.length === 0 ? [] : lines(own, m, l);
    })
  );
  return {
    data: [...data, ...keys],
    layout: {
      ...baseLayout,
      ...titleOf(title),
      height: top + inner + 60,
      margin: { l: 70, r: 20, t: top, b: 60 },
      legend: { orientation: "h", x: 0, y: 1 + 8 / inner, yanchor: "bottom" },
      xaxis: axisOf("", { type: "log", range, ...ticks, showticklabels: false, anchor: "y" }),
      yaxis: axisOf("entropy (nats)", { domain: [1 - share, 1], rangemode: "tozero", anchor: "x" }),
      xaxis2: axisOf("length of the context (tokens)", { type: "log", range, ...ticks, anchor: "y2", matches: "x" }),
      yaxis2: axisOf("entropy / ln(attended)", { domain: [0, share], range: [-0.02, 1.04], anchor: "x2" }),
      shapes: mark,
      annotations: words,
    },
  };
}

/** A legend entry that draws nothing itself. */
function key(
  name: string,
  line: Record<string, unknown>,
  marker: Record<string, unknown> = {},
): Record<string, unknown> {
  const mode = "symbol" in marker ? "lines+markers" : "lines";
  return { type: "scatter", mode, name: escapeLabel(name), x: [null], y: [null], hoverinfo: "skip", line, marker };
}

function methodKey(method: string, index: number): Record<string, unknown> {
  return key(method, { color: palette[index % palette.length], width: 4 });
}

/** Of few layers, what their dashes and marks are; many are told apart by pointing at them. */
function layerKeys(layers: readonly number[]): Record<string, unknown>[] {
  if (layers.length < 2 || layers.length > dashes.length) return [];
  return layers.map((layer, index) =>
    key(`layer ${layer}`, { color: theme.rule, width: 2, dash: dashes[index] }, {
      color: theme.rule,
      symbol: symbols[index],
    })
  );
}

function lines(
  points: readonly EntropyPoint[],
  method: number,
  layer: number,
): Record<string, unknown>[] {
  const [{ method: name, layer: number }] = points;
  const color = palette[method % palette.length];
  const both = {
    type: "scatter",
    mode: "lines+markers",
    name: escapeLabel(`${name}, layer ${number}`),
    showlegend: false,
    x: points.map(({ length }) => length),
    line: { color, width: 2, dash: dashes[layer % dashes.length] },
    marker: { color, size: 7, symbol: symbols[layer % symbols.length] },
    text: points.map(pointText),
    hovertemplate: "%{text}<extra></extra>",
  };
  const bounded = points.some(({ low, high }) => low !== undefined || high !== undefined);
  const heads = {
    type: "data",
    symmetric: false,
    array: points.map(({ entropy, high = entropy }) => high - entropy),
    arrayminus: points.map(({ entropy, low = entropy }) => entropy - low),
    color,
    thickness: 1,
    width: 3,
  };
  return [
    { ...both, y: points.map(({ entropy }) => entropy), ...(bounded ? { error_y: heads } : {}) },
    { ...both, y: points.map(share), xaxis: "x2", yaxis: "y2" },
  ];
}

/** Of the entropy that equal weights would have; one token alone has none either way. */
function share({ entropy, attended }: EntropyPoint): number {
  return attended > 1 ? entropy / Math.log(attended) : 0;
}

function pointText(point: EntropyPoint): string {
  const { method, layer, length, attended, entropy, low, high } = point;
  const heads = low === undefined || high === undefined ? "" : `, heads ${rounded(low)} to ${rounded(high)}`;
  return `<b>${escapeLabel(method)}, layer ${layer}</b><br>${grouped(length)} tokens, ${grouped(attended)} attended` +
    `<br>${rounded(entropy)} nats${heads}<br>${rounded(share(point))} of ln(attended)`;
}
