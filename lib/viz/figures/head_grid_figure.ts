import { attentionEntropy } from "../attention_entropy.ts";
import { type AttentionWeights, checkWeights } from "../attention_weights.ts";
import { axisOf } from "../axis.ts";
import { baseLayout, type Figure, rounded, titleOf, topMargin } from "../figure.ts";
import { shortRows, shrunk } from "../shrunk.ts";
import { firstThatFits } from "../size_limit.ts";
import { theme } from "../theme.ts";
import { weightScale } from "../weight_scale.ts";

/** What to draw. */
export interface HeadGridInput {
  /** One entry per layer and head, in any order. */
  readonly heads: readonly AttentionWeights[];
  /** Above the figure; none where it is empty. */
  readonly title?: string;
}

const NAME = "headGridFigure";
/** Cells in all; so many are drawn at once without a wait. */
const CELLS = 150_000;
/** Rows and columns of one small picture at most. */
const MOST = { rows: 24, columns: 36 };

/**
 * All heads at a glance: a small attention map each, layers from top to bottom, heads from left to right. Each is coloured
 * up to its own greatest weight; the hover text tells that and the entropy.
 *
 * @throws {RangeError} where there is no head, one stands twice, or sizes don't match.
 *
 * @example
 * ```ts
 * import { headGridFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const head = { layer: 0, head: 0, queries: [3], positions: [0, 3], weights: [0.25, 0.75] };
 * const figure = headGridFigure({ heads: [head, { ...head, head: 1 }] });
 * assertEquals((figure.data[1].text as string[]).length, 2);
 * ```
 */
export function headGridFigure(input: HeadGridInput): Figure {
  const { heads } = input;
  if (heads.length === 0) throw new RangeError(`${NAME}: there is no head to draw`);
  const seen = new Set<string>();
  for (const weights of heads) {
    checkWeights(NAME, weights);
    const name = `layer ${weights.layer}, head ${weights.head}`;
    if (seen.has(name)) throw new RangeError(`${NAME}: ${name} stands twice`);
    seen.add(name);
  }
  return firstThatFits(NAME, [1, 0.5, 0.25].map((part) => () => build(input, part * CELLS)));
}

function build({ heads, title = "" }: HeadGridInput, cells: number): Figure {
  const layers = [...new Set(heads.map(({ layer }) => layer))].sort((a, b) => a - b);
  const columns = [...new Set(heads.map(({ head }) => head))].sort((a, b) => a - b);
  const side = Math.max(4, Math.floor(Math.sqrt(cells / (layers.length * columns.length))));
  const size = {
    rows: Math.min(MOST.rows, side, Math.max(...heads.map(({ queries }) => queries.length))),
    columns: Math.min(MOST.columns, side, Math.max(...heads.map(({ positions }) => positions.length))),
  };
  // One cell of nothing stands between two pictures.
  const z: (number | null)[][] = Array.from(
    { length: layers.length * (size.rows + 1) - 1 },
    () => new Array(columns.length * (size.columns + 1) - 1).fill(null),
  );
  for (const weights of heads) {
    const picture = shares(weights, size);
    const down = layers.indexOf(weights.layer) * (size.rows + 1);
    const across = columns.indexOf(weights.head) * (size.columns + 1);
    for (let y = 0; y < size.rows; y++) {
      for (let x = 0; x < size.columns; x++) z[down + y][across + x] = picture[y][x];
    }
  }
  const centerX = (head: number) => columns.indexOf(head) * (size.columns + 1) + (size.columns - 1) / 2;
  const centerY = (layer: number) => layers.indexOf(layer) * (size.rows + 1) + (size.rows - 1) / 2;
  const ticks = (list: readonly number[], center: (number: number) => number, name: string) => {
    const kept = list.filter((_, i) => i % Math.ceil(list.length / 16) === 0);
    return { tickvals: kept.map(center), ticktext: kept.map((number) => `${name} ${number}`), showgrid: false };
  };
  const high = Math.min(900, Math.max(120, layers.length * 110));
  const top = topMargin(title, 0);
  return {
    data: [
      { type: "heatmap", z, zmin: 0, zmax: 1, colorscale: weightScale, hoverinfo: "skip", colorbar: colorbar() },
      hoverPoints(heads, centerX, centerY),
    ],
    layout: {
      ...baseLayout,
      ...titleOf(title),
      height: top + high + 50,
      margin: { l: 80, r: 20, t: top, b: 50 },
      hovermode: "closest",
      hoverdistance: 60,
      xaxis: axisOf("", { ...ticks(columns, centerX, "head"), range: [-0.5, z[0].length - 0.5] }),
      yaxis: axisOf("", { ...ticks(layers, centerY, "layer"), range: [z.length - 0.5, -0.5] }),
    },
  };
}

function colorbar(): Record<string, unknown> {
  const title = { text: "weight / the head's greatest", side: "right" };
  return { title, thickness: 12, outlinewidth: 0, len: 1, tickvals: [0, 0.1, 0.25, 0.5, 1] };
}

/** A head's map in exactly so many rows and columns, as shares of its greatest weight; smaller maps are stretched. */
function shares(
  { queries, positions, weights }: AttentionWeights,
  size: { rows: number; columns: number },
): number[][] {
  const { values } = shrunk(weights, queries.length, positions.length, {
    mostRows: size.rows,
    mostColumns: size.columns,
  });
  const most = Math.max(1e-12, ...values.map((row) => row.reduce((a, b) => Math.max(a, b), 0)));
  const at = (index: number, count: number, places: number) => Math.min(count - 1, Math.floor(index * count / places));
  const stretched = Array.from({ length: size.rows }, (_, y) => {
    const row = values[at(y, values.length, size.rows)];
    return Array.from({ length: size.columns }, (_, x) => row[at(x, row.length, size.columns)] / most);
  });
  return shortRows(stretched, 2);
}

/** One unseen point per picture carries its words. */
function hoverPoints(
  heads: readonly AttentionWeights[],
  centerX: (head: number) => number,
  centerY: (layer: number) => number,
): Record<string, unknown> {
  return {
    type: "scatter",
    mode: "markers",
    showlegend: false,
    x: heads.map(({ head }) => centerX(head)),
    y: heads.map(({ layer }) => centerY(layer)),
    marker: { size: 40, opacity: 0, color: theme.paper },
    text: heads.map((weights) => {
      const { layer, head, positions, queries } = weights;
      const nats = attentionEntropy(weights);
      const most = Array.from(weights.weights).reduce((a, b) => Math.max(a, b), 0);
      return `<b>layer ${layer}, head ${head}</b><br>${queries.length} queries, ${positions.length} attended tokens` +
        `<br>greatest weight ${rounded(most)}<br>entropy ${rounded(nats)} nats`;
    }),
    hovertemplate: "%{text}<extra></extra>",
  };
}
