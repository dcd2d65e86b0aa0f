import { axisOf, rangeOf, ticksAt } from "../axis.ts";
import { checkFinite } from "../checks.ts";
import { baseLayout, escapeLabel, type Figure, grouped, legendRows, symbols, titleOf, topMargin } from "../figure.ts";
import { firstThatFits } from "../size_limit.ts";
import { palette, theme } from "../theme.ts";

/** What one head's own top-k held of the needle. */
export interface NeedleRecallPoint {
  /** The layer's number. */
  readonly layer: number;
  /** The voting head's number. */
  readonly head: number;
  /** Tokens that the head picked. */
  readonly k: number;
  /** Share of the needle's value tokens among them, 0 to 1. */
  readonly recall: number;
  /** What picking at random would reach: picked tokens over the middle's length. */
  readonly chance: number;
}

/** What to draw. */
export interface NeedleRecallInput {
  /** One point per layer, head and k; several of one kind (over questions) are averaged. */
  readonly points: readonly NeedleRecallPoint[];
  /** Above the figure; none where it is empty. */
  readonly title?: string;
}

/** A head's own list, best first; traces of `lib/attention` have these as picks. */
export interface PickedTokens {
  /** The voting head's number. */
  readonly head: number;
  /** Tokens in the whole context, best first. */
  readonly tokens: ArrayLike<number>;
}

const NAME = "needleRecallFigure";
const PANEL = 190;
const BETWEEN = 56;
/** More heads than this are thin grey lines. */
const NAMED = 8;
/** Pictures side by side. */
const ACROSS = 4;

/**
 * Recall of each head's own list at several k.
 *
 * @param layer the layer's number
 * @param picks one list per head, best first, at least as long as the largest k; those of the step that predicts the
 * answer's first token
 * @param valueTokens where the tokens of the needle's value stand
 * @param ks how many tokens are taken from the front of each list
 * @param middle tokens that could be picked: the context without leading tokens and window
 * @throws {RangeError} where the needle has no tokens, or a list is shorter than k though more could be picked.
 *
 * @example
 * ```ts
 * import { needleRecall } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const picks = [{ head: 0, tokens: [40, 7, 41, 9] }];
 * const points = needleRecall({ layer: 1, picks, valueTokens: [40, 41], ks: [1, 4], middle: 100 });
 * assertEquals(points.map(({ recall }) => recall), [0.5, 1]);
 * ```
 */
export function needleRecall({ layer, picks, valueTokens, ks, middle }: {
  readonly layer: number;
  readonly picks: readonly PickedTokens[];
  readonly valueTokens: readonly number[];
  readonly ks: readonly number[];
  readonly middle: number;
}): NeedleRecallPoint[] {
  if (valueTokens.length === 0) {
    throw new RangeError("needleRecall: valueTokens is empty; name the needle's value tokens");
  }
  return picks.flatMap(({ head, tokens }) =>
    ks.map((k) => {
      const taken = Math.min(k, middle);
      if (tokens.length < taken) {
        throw new RangeError(`needleRecall: head ${head} has a list of ${tokens.length} tokens, too short for k ${k}`);
      }
      const best = new Set(Array.from({ length: taken }, (_, i) => tokens[i]));
      const found = valueTokens.filter((token) => best.has(token)).length;
      return { layer, head, k, recall: found / valueTokens.length, chance: taken / middle };
    })
  );
}

/**
 * Needle recall against k: one picture per layer, one thin line per head and a thick one for their mean, with what picking
 * at random would reach as a dotted line.
 *
 * @throws {RangeError} for a recall or chance that is no share, or a k that is not above 0.
 *
 * @example
 * ```ts
 * import { needleRecallFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const points = [1, 4].map((k) => ({ layer: 0, head: 0, k, recall: k / 4, chance: k / 1000 }));
 * const figure = needleRecallFigure({ points });
 * assertEquals(figure.data.map(({ name }) => name), ["head 0", "mean of heads", "chance"]);
 * ```
 */
export function needleRecallFigure(input: NeedleRecallInput): Figure {
  for (const { layer, head, k, recall, chance } of input.points) {
    const where = `of layer ${layer}, head ${head}`;
    checkFinite(NAME, `k ${where}`, k, "log");
    for (const [what, share] of [["recall", recall], ["chance", chance]] as const) {
      if (share >= 0 && share <= 1) continue;
      throw new RangeError(`${NAME}: ${what} ${where} is ${share}; it must be a share from 0 to 1`);
    }
  }
  return firstThatFits(NAME, [() => build(input)]);
}

function build({ points, title = "" }: NeedleRecallInput): Figure {
  const layers = [...new Set(points.map(({ layer }) => layer))].sort((a, b) => a - b);
  const across = Math.max(1, Math.min(ACROSS, layers.length));
  const down = Math.max(1, Math.ceil(layers.length / across));
  const inner = down * PANEL + (down - 1) * BETWEEN;
  const heads = [...new Set(points.map(({ head }) => head))];
  const names = [...(heads.length <= NAMED ? heads.map((head) => `head ${head}`) : []), "mean of heads", "chance"];
  const top = topMargin(title, legendRows(names)) + 30;
  const ks = points.map(({ k }) => k);
  const range = rangeOf(ks, "log");
  const layout: Record<string, unknown> = {
    ...baseLayout,
    ...titleOf(title),
    height: top + inner + 60,
    margin: { l: 64, r: 16, t: top, b: 60 },
    legend: { orientation: "h", x: 0, y: 1 + 24 / inner, yanchor: "bottom" },
    hovermode: "closest",
  };
  const annotations: Record<string, unknown>[] = [];
  layers.forEach((layer, index) => {
    const [column, row] = [index % across, Math.floor(index / across)];
    const left = column / across + (column > 0 ? 0.012 : 0);
    const right = (column + 1) / across - (column < across - 1 ? 0.012 : 0);
    const high = 1 - row * (PANEL + BETWEEN) / inner;
    const lowest = row === down - 1 || index + across >= layers.length;
    const number = index === 0 ? "" : String(index + 1);
    const ticks = across > 1 ? fewer(ticksAt(ks, range, "log")) : ticksAt(ks, range, "log");
    layout[`xaxis${number}`] = axisOf(lowest ? "k (tokens)" : "", {
      type: "log",
      range,
      ...ticks,
      domain: [left, right],
      anchor: `y${number}`,
    });
    layout[`yaxis${number}`] = axisOf(column === 0 ? "needle recall (share)" : "", {
      range: [-0.04, 1.04],
      tickvals: [0, 0.5, 1],
      domain: [Math.max(0, high - PANEL / inner), high],
      anchor: `x${number}`,
      showticklabels: column === 0,
    });
    const at = { x: (left + right) / 2, xref: "paper", y: high, yref: "paper", yanchor: "bottom" };
    annotations.push({ ...at, showarrow: false, text: `layer ${layer}`, font: { size: 13, color: theme.ink } });
  });
  return { data: layers.flatMap((layer, index) => panel(points, layer, index)), layout: { ...layout, annotations } };
}

/** Every other tick, the last kept: a panel is narrower than a figure. */
function fewer({ tickvals, ticktext }: { tickvals?: unknown; ticktext?: unknown }): Record<string, unknown> {
  if (!Array.isArray(tickvals) || !Array.isArray(ticktext)) return {};
  const kept = <T>(list: T[]) => list.filter((_, i) => tickvals.length <= 3 || (tickvals.length - 1 - i) % 2 === 0);
  return { tickvals: kept(tickvals), ticktext: kept(ticktext) };
}

function panel(points: readonly NeedleRecallPoint[], layer: number, index: number): Record<string, unknown>[] {
  const own = points.filter((point) => point.layer === layer);
  const heads = [...new Set(own.map(({ head }) => head))].sort((a, b) => a - b);
  const number = index === 0 ? "" : String(index + 1);
  const axes = { type: "scatter", xaxis: `x${number}`, yaxis: `y${number}` };
  const told = (name: string) => `<b>layer ${layer}, ${escapeLabel(name)}</b><br>k %{x}: %{y:.3~f}<extra></extra>`;
  const named = heads.length <= NAMED;
  const lines = heads.map((head, i) => {
    const color = named ? palette[i % palette.length] : theme.border;
    return {
      ...axes,
      ...meanByK(own.filter((point) => point.head === head), ({ recall }) => recall),
      mode: named ? "lines+markers" : "lines",
      name: `head ${head}`,
      legendgroup: `head ${head}`,
      showlegend: named && index === 0,
      line: { color, width: 1 },
      marker: { color, size: 5, symbol: symbols[i % symbols.length] },
      opacity: named ? 0.9 : 0.5,
      hovertemplate: told(`head ${head}`),
    };
  });
  const thick = { color: theme.ink, width: 3 };
  return [
    ...lines,
    {
      ...axes,
      ...meanByK(own, ({ recall }) => recall),
      mode: "lines",
      name: "mean of heads",
      legendgroup: "mean",
      showlegend: index === 0,
      line: thick,
      hovertemplate: told("mean of heads"),
    },
    {
      ...axes,
      ...meanByK(own, ({ chance }) => chance),
      mode: "lines",
      name: "chance",
      legendgroup: "chance",
      showlegend: index === 0,
      line: { color: theme.rule, width: 2, dash: "dot" },
      hovertemplate: told(`chance: k of ${middleOf(own)} tokens`),
    },
  ];
}

/** Tokens that could be picked, as the points tell it. */
function middleOf(points: readonly NeedleRecallPoint[]): string {
  const point = points.find(({ chance }) => chance > 0 && chance < 1);
  return point ? grouped(point.k / point.chance) : "all";
}

function meanByK(
  points: readonly NeedleRecallPoint[],
  value: (point: NeedleRecallPoint) => number,
): { x: number[]; y: number[] } {
  const x = [...new Set(points.map(({ k }) => k))].sort((a, b) => a - b);
  const y = x.map((k) => {
    const at = points.filter((point) => point.k === k);
    return Number((at.reduce((sum, point) => sum + value(point), 0) / at.length).toPrecision(4));
  });
  return { x, y };
}
