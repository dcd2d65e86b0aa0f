import type { AttendedLayer } from "../attended_spans.ts";
import { escapeLabel, type Figure, grouped } from "../figure.ts";
import { checkLength, mostVotes } from "./selected_spans_figure.ts";
import { FIGURE_BYTES, firstThatFits } from "../size_limit.ts";
import {
  placedSpans,
  rowLabels,
  type SpanArrays,
  spanArrays,
  spanKinds,
  spanTrace,
  votesKey,
  votesTick,
} from "../span_traces.ts";
import { aroundNeedle, spansLayout } from "../spans_layout.ts";
import { theme } from "../theme.ts";
import type { TokenRange, TokenText } from "../token_range.ts";

/** One step; traces of `lib/attention` are lists of these. */
export interface AttendedStep {
  /** Its number. */
  readonly step: number;
  /** Tokens in the context at that step, its own included. */
  readonly length: number;
  /** What each layer attended to. */
  readonly layers: readonly AttendedLayer[];
  /** Words for the slider, such as the token that was written. Default: none. */
  readonly label?: string;
}

/** What to draw. */
export interface SelectionStepsInput {
  /** In order; at least one. */
  readonly steps: readonly AttendedStep[];
  /** The asked-for needle; a second picture shows what lies around it. */
  readonly needle?: TokenRange;
  /** First token of the question. */
  readonly questionStart?: number;
  /** The text of a stretch of tokens, for the hover text. */
  readonly text?: TokenText;
  /** Above the figure. Default: none. */
  readonly title?: string;
}

const NAME = "selectionStepsFigure";

/**
 * The map of {@linkcode selectedSpansFigure} over the steps of a trace, with a slider that moves through them. Runs that
 * would pass 2 MB lose hover texts first, then spans that stand close together become one, then steps are left out evenly;
 * the slider says so.
 *
 * @throws {RangeError} where there is no step, or a length is none.
 *
 * @example
 * ```ts
 * import { selectionStepsFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const group = { indices: [0, 40, 41, 98, 99], centers: [41], votes: [3], globalCount: 1, windowStart: 98 };
 * const layers = [{ layer: 0, groups: [group] }];
 * const figure = selectionStepsFigure({ steps: [{ step: 0, length: 100, layers }, { step: 1, length: 101, layers }] });
 * assertEquals((figure.layout.sliders as { steps: unknown[] }[])[0].steps.length, 2);
 * ```
 */
export function selectionStepsFigure(input: SelectionStepsInput): Figure {
  if (input.steps.length === 0) {
    throw new RangeError(`${NAME}: there is no step; was the session made with trace: true?`);
  }
  input.steps.forEach(({ length }) => checkLength(NAME, length));
  return firstThatFits(NAME, levels(input).map((level) => () => build(input, level)));
}

/** How much is shown: tokens of text per span, tokens between spans that become one, and every which step. */
interface Level {
  readonly textTokens: number;
  readonly share: number;
  readonly every: number;
}

/** From rich to plain; what is sure to be too large is not tried. */
function levels({ steps, text }: SelectionStepsInput): Level[] {
  const spans = steps.reduce((sum, { layers }) => sum + placedSpans(layers).length, 0);
  const texts = (text ? [48, 12, 0] : [0]).filter((tokens) =>
    tokens === 0 || spans * (60 + 3 * tokens) < 2 * FIGURE_BYTES
  );
  const all = texts.map((textTokens) => ({ textTokens, share: 0, every: 1 }));
  const fewer = [1, 2, 4, 8, 16, 32, 64, 128].map((every) => ({ textTokens: 0, share: 1 / 1000, every }));
  return [...all, ...fewer];
}

function build(input: SelectionStepsInput, { textTokens, share, every }: Level): Figure {
  const steps = input.steps.filter((_, index) => index % every === 0 || index === input.steps.length - 1);
  const length = Math.max(...steps.map((step) => step.length));
  const near = aroundNeedle(input.needle, length);
  const placed = steps.map(({ layers }) => placedSpans(layers, share * length));
  const most = placed.map(mostVotes);
  const axes = near ? ["", "2"] as const : [""] as const;
  const arrays = placed.map((spans) =>
    spanKinds.flatMap((kind) =>
      axes.map((axis) => spanArrays(kind, spans, { text: input.text, textTokens }, axis ? near : undefined))
    )
  );
  const first = steps.length - 1;
  const traces = spanKinds.flatMap((kind, k) =>
    axes.map((axis, a) => spanTrace(kind, arrays[first][k * axes.length + a], most[first], axis))
  );
  const labels = steps.map(({ layers }) => rowLabels(layers)).reduce((a, b) => a.length >= b.length ? a : b);
  const layout = spansLayout({ ...input, length, labels });
  const margin = layout.margin as { l: number; r: number; t: number; b: number };
  return {
    data: [...traces, votesKey(most[first])],
    layout: {
      ...layout,
      height: Number(layout.height) + SLIDER,
      margin: { ...margin, b: margin.b + SLIDER },
      sliders: [slider(steps, arrays, most, first, every)],
    },
  };
}

/** Pixels below the pictures. */
const SLIDER = 80;

function slider(
  steps: readonly AttendedStep[],
  arrays: readonly (readonly SpanArrays[])[],
  most: readonly number[],
  active: number,
  every: number,
): Record<string, unknown> {
  const name = ({ step, length, label }: AttendedStep) =>
    `${step}${label === undefined ? "" : ` ${escapeLabel(label)}`} (${grouped(length)} tokens)`;
  return {
    active,
    pad: { t: 56, b: 6 },
    ticklen: 0,
    minorticklen: 0,
    // Labels below the line would touch; the one above tells the step.
    font: { size: 1, color: "rgba(0, 0, 0, 0)" },
    currentvalue: {
      prefix: every === 1 ? "step " : `every ${every}th step: step `,
      font: { size: 14, color: theme.ink },
    },
    steps: steps.map((step, index) => ({
      label: name(step),
      method: "restyle",
      args: [restyled(arrays[index], most[index]), [...arrays[index], "key"].map((_, trace) => trace)],
    })),
  };
}

/** What the slider changes: each trace's parts, and of the last trace, the key to the votes, the scale. */
function restyled(traces: readonly SpanArrays[], most: number): Record<string, unknown> {
  const all = <Key extends keyof SpanArrays>(key: Key, last: unknown) => [...traces.map((trace) => trace[key]), last];
  const parts = { base: all("base", undefined), x: all("x", [null]), y: all("y", [null]), text: all("text", "") };
  return {
    ...parts,
    "marker.color": all("color", [most / 2]),
    "marker.line.color": all("color", undefined),
    // A question's many queries give more votes than one token's: each step has a scale of its own.
    "marker.cmax": most,
    "marker.line.cmax": most,
    // Of the key alone: a trace that is given a part of a colour bar draws one of its own.
    "marker.colorbar.dtick": [...traces.map(() => undefined), votesTick(most)],
  };
}
