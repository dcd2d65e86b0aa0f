import { axisOf } from "../axis.ts";
import { checkFinite } from "../checks.ts";
import { baseLayout, type Figure, grouped, rounded, rowLegend, titleOf, topMargin } from "../figure.ts";
import { firstThatFits } from "../size_limit.ts";
import { palette, theme } from "../theme.ts";
import type { TokenRange, TokenText } from "../token_range.ts";
import { tokensNamed, wrapped } from "../token_text.ts";

/** One stretch of tokens and what it is worth to the answer; `Session.spanEffects` gives them. */
export interface SpanEffectPoint extends TokenRange {
  /** Selected and taken away; or a control: of the window and taken away, or not selected and put in. */
  readonly kind: "selected" | "window" | "random";
  /** Layers that picked it. */
  readonly layers: readonly number[];
  /** Votes that it got. */
  readonly votes: number;
  /** Change of the answer's log-probability, in nats. */
  readonly change: number;
}

/** What to draw. */
export interface SpanEffectsInput {
  /** Spans and controls, in any order. */
  readonly effects: readonly SpanEffectPoint[];
  /** Above the figure; none where it is empty. */
  readonly title?: string;
  /** The asked-for needle: spans that hold any of it are marked. */
  readonly needle?: TokenRange;
  /** The text of a stretch of tokens, for the hover text. */
  readonly text?: TokenText;
  /** Most spans shown, those with the largest effects. Default 24. */
  readonly most?: number;
}

const NAME = "spanEffectsFigure";
const ROW = 26;
const COLORS = { needle: palette[3], selected: palette[0], window: palette[2], random: palette[4] };
const CONTROLS = {
  window: "control: of the window, taken away",
  random: "control: not selected, put in",
};

/**
 * Selected spans ranked by what the answer loses without them, beside the votes they got: many votes need not mean that the answer
 * rests on a span. Controls lie below; a band shows how far they reach, and what stays inside it is no more than noise.
 *
 * @throws {RangeError} for a change that is no finite number, or no selected span at all.
 *
 * @example
 * ```ts
 * import { spanEffectsFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const figure = spanEffectsFigure({
 *   effects: [
 *     { kind: "selected", start: 40, end: 72, layers: [0], votes: 9, change: -0.1 },
 *     { kind: "selected", start: 900, end: 932, layers: [2, 3], votes: 5, change: -6 },
 *     { kind: "random", start: 300, end: 332, layers: [0], votes: 0, change: 0.02 },
 *   ],
 * });
 * assertEquals(figure.data[0].x, [-6, -0.1]);
 * ```
 */
export function spanEffectsFigure(input: SpanEffectsInput): Figure {
  for (const { kind, start, end, change } of input.effects) {
    checkFinite(NAME, `the change of ${kind} ${tokensNamed(start, end)}`, change);
  }
  const selected = input.effects.filter(({ kind }) => kind === "selected");
  if (selected.length === 0) throw new RangeError(`${NAME}: there is no selected span among the effects`);
  const { most = 24 } = input;
  if (!Number.isInteger(most) || most < 1) {
    throw new RangeError(`${NAME}: most ${most} must be a whole number of at least 1`);
  }
  const largest = selected.toSorted((a, b) => Math.abs(b.change) - Math.abs(a.change)).slice(0, most);
  const ranked = largest.sort((a, b) => a.change - b.change);
  return firstThatFits(NAME, [48, 0].map((words) => () => build(input, ranked, selected.length, words)));
}

function build(input: SpanEffectsInput, ranked: readonly SpanEffectPoint[], all: number, words: number): Figure {
  const { effects, title = "", needle } = input;
  const kinds = (["window", "random"] as const).filter((kind) => effects.some((effect) => effect.kind === kind));
  const controls = kinds.map((kind) => effects.filter((effect) => effect.kind === kind));
  const rows = ranked.length + kinds.length;
  const holdsNeedle = ({ start, end }: TokenRange) => needle !== undefined && start < needle.end && end > needle.start;
  const colors = ranked.map((span) => holdsNeedle(span) ? COLORS.needle : COLORS.selected);
  const told = (list: readonly SpanEffectPoint[]) => list.map((effect) => spanText(effect, input, words));
  const hovertemplate = "%{hovertext}<extra></extra>";
  const places = ranked.map((_, row) => row);
  const bars = { type: "bar", orientation: "h", y: places, width: 0.7, hovertemplate };
  // Bars too short to be seen still say what they are.
  const beside = { textposition: "outside", cliponaxis: false, textfont: { size: 12, color: theme.muted } };
  const left = all - ranked.length;
  const data: Record<string, unknown>[] = [
    {
      ...{ ...bars, name: "selected, taken away", x: ranked.map(({ change }) => change), showlegend: false },
      ...{ marker: { color: colors }, hovertext: told(ranked), text: ranked.map(({ change }) => written(change)) },
      ...beside,
    },
    {
      ...{ ...bars, name: "votes", xaxis: "x2", x: ranked.map(({ votes }) => votes), showlegend: false },
      ...{ marker: { color: colors }, hovertext: told(ranked), textposition: "none" },
    },
    ...legendKeys(needle !== undefined, left),
    ...controls.map((list, index) => ({
      type: "scatter",
      mode: "markers",
      name: CONTROLS[kinds[index]],
      x: list.map(({ change }) => change),
      y: list.map(() => ranked.length + index),
      marker: { color: COLORS[kinds[index]], size: 8, symbol: index === 0 ? "diamond" : "circle", opacity: 0.75 },
      hovertext: told(list),
      hovertemplate,
    })),
  ];
  const labels = [
    ...ranked.map(({ start, end }) => `${grouped(start)} to ${grouped(end - 1)}`),
    ...kinds.map((kind, index) => `${kind === "window" ? "window" : "not selected"} (${controls[index].length})`),
  ];
  const top = topMargin(title, 2);
  return {
    data,
    layout: {
      ...baseLayout,
      ...titleOf(title),
      height: top + rows * ROW + 76,
      margin: { l: 120, r: 20, t: top, b: 62 },
      bargap: 0,
      legend: rowLegend,
      xaxis: axisOf("change of the answer's log-probability (nats)", {
        domain: [0, 0.66],
        range: roomyRange(effects.map(({ change }) => change)),
        zeroline: true,
        zerolinecolor: theme.rule,
        nticks: 7,
      }),
      xaxis2: axisOf("votes", { domain: [0.72, 1], rangemode: "tozero", nticks: 4, tickformat: ",d" }),
      yaxis: axisOf("tokens of the context", {
        tickvals: labels.map((_, row) => row),
        ticktext: labels,
        range: [rows - 0.4, -0.6],
        showgrid: false,
        fixedrange: true,
      }),
      shapes: [...bandOf(controls.flat()), ...kinds.length ? [divider(ranked.length)] : []],
    },
  };
}

/** A change as it stands at its bar: thousandths of a nat are the last that matter. */
function written(change: number): string {
  return rounded(Math.round(1000 * change) / 1000, Math.abs(change) < 10 ? 2 : 3);
}

/** Room for the changes, zero, and the numbers at the bars' ends. */
function roomyRange(changes: readonly number[]): [number, number] {
  const least = Math.min(0, ...changes);
  const most = Math.max(0, ...changes);
  const room = 0.13 * (most - least || 1);
  return [least - room, most + room];
}

/** What colours stand for; nothing is drawn. */
function legendKeys(withNeedle: boolean, left: number): Record<string, unknown>[] {
  const key = (name: string, color: string) => ({
    ...{ type: "scatter", mode: "markers", name, x: [null], y: [null], hoverinfo: "skip" },
    marker: { color, symbol: "square", size: 12 },
  });
  const rest = left > 0 ? ` (${grouped(left)} of less effect not shown)` : "";
  const selected = key(`selected, taken away${rest}`, COLORS.selected);
  return withNeedle ? [key("holds the needle", COLORS.needle), selected] : [selected];
}

/** How far the controls reach. */
function bandOf(controls: readonly SpanEffectPoint[]): Record<string, unknown>[] {
  if (controls.length === 0) return [];
  const changes = controls.map(({ change }) => change);
  const ends = { x0: Math.min(0, ...changes), x1: Math.max(0, ...changes) };
  return [{
    ...{ type: "rect", xref: "x", yref: "y domain", ...ends, y0: 0, y1: 1 },
    ...{ fillcolor: theme.border, opacity: 0.22, line: { width: 0 }, layer: "below" },
  }];
}

function divider(row: number): Record<string, unknown> {
  return {
    ...{ type: "line", xref: "paper", yref: "y", x0: 0, x1: 0.66, y0: row - 0.5, y1: row - 0.5 },
    line: { color: theme.rule, width: 1, dash: "dot" },
  };
}

const KINDS = { selected: "selected, taken away", window: "of the window, taken away", random: "not selected, put in" };

function spanText(effect: SpanEffectPoint, { text }: SpanEffectsInput, words: number): string {
  const { kind, start, end, layers, votes, change } = effect;
  const where = layers.length === 1 ? `layer ${layers[0]}` : `layers ${layers.join(", ")}`;
  const voted = kind === "selected" ? `, ${grouped(votes)} ${votes === 1 ? "vote" : "votes"}` : "";
  const shown = text && words > 0 ? `<br>${wrapped(text(start, Math.min(end, start + words)))}` : "";
  return `<b>${tokensNamed(start, end)}</b>, ${KINDS[kind]}<br>${where}${voted}<br>${rounded(change)} nats${shown}`;
}
