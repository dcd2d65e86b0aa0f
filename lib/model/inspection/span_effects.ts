import type { TokenSpan, TraceGroup, TraceStep } from "../../attention/mod.ts";
import { inspect } from "./inspect.ts";
import { interveneEach, type Intervention, type InterventionQuestion } from "./intervene.ts";
import { type TextOrTokens, tokensOf } from "../text/question_tokens.ts";
import type { SequenceReader } from "../session/sequence_reader.ts";

/** Where random numbers come from; `Random` of the evaluation module is one. */
export interface RandomNumbers {
  /** A whole number from 0 to `count` - 1. */
  below(count: number): number;
}

/** What to compare a question's selected spans by. */
export interface SpanEffectsOptions extends InterventionQuestion {
  /** Layers whose selections are looked at, and where interventions hold. Default: all. */
  layers?: readonly number[];
  /** Whether each layer's spans are taken away in that layer alone. Default false: a stretch is taken away in all of them at once. */
  perLayer?: boolean;
  /** Spans of each kind of control. Default 8. */
  controls?: number;
  /** Where the controls' places come from; needed where there are any. */
  random?: RandomNumbers;
}

/** What one span is worth to an answer. */
export interface SpanEffect extends TokenSpan {
  /**
   * "selected": picked at the answer's first step, and forbidden. The controls: "window": a stretch of the window, attended to but
   * not picked, and forbidden; "random": a stretch that no layer picked, and forced.
   */
  readonly kind: "selected" | "window" | "random";
  /** Layers that picked it, or where the control was made. */
  readonly layers: readonly number[];
  /** Votes of its candidates, over these layers; 0 for controls. */
  readonly votes: number;
  /** Change of the answer's log-probability, in nats. */
  readonly change: number;
}

/** Effects of all spans that were selected for an answer, and of controls. */
export interface SpanEffects {
  /** Log-probability of the answer as it is. */
  readonly logProbability: number;
  /** Selected spans, the most needed first, then the controls. */
  readonly effects: readonly SpanEffect[];
}

type Place = Omit<SpanEffect, "change">;

/**
 * Takes each selected span away in turn and sees how much less likely the answer gets. As controls stretches of the same mean
 * length: of the window, taken away, and of what was not selected, put in.
 */
export async function spanEffects(
  reader: SequenceReader,
  options: SpanEffectsOptions & { readonly answer: TextOrTokens },
): Promise<SpanEffects> {
  const { controls = 8, perLayer = false, random } = options;
  if (!Number.isInteger(controls) || controls < 0) {
    throw new RangeError(`spanEffects: controls ${controls} must be a whole number of at least 0`);
  }
  if (controls > 0 && !random) throw new RangeError("spanEffects: give random for the controls, or controls: 0");
  const { prompt, layers, signal } = options;
  const step = await firstAnswerStep(reader, { prompt, layers, signal });
  const selected = perLayer ? spansByLayer(step) : joinedSpans(spansByLayer(step));
  if (selected.length === 0) throw new RangeError("spanEffects: nothing was selected at the answer's first step");
  const drawn = random ? controlSpans(step, selected, { controls, random, promptStart: reader.length }) : [];
  const places = [...selected, ...drawn];
  const tokens = tokensOf(reader.stepper.model, "spanEffects: the answer", options.answer);
  const found = await interveneEach(reader, { ...options, answer: tokens }, places.map(interventionOf));
  const effects = places.map((place, index): SpanEffect => ({ ...place, change: found[index].change }));
  return {
    logProbability: found[0].before.logProbability,
    effects: [
      ...effects.slice(0, selected.length).sort((a, b) => a.change - b.change || a.start - b.start),
      ...effects.slice(selected.length),
    ],
  };
}

function interventionOf({ kind, layers, start, end }: Place): Intervention {
  return { layer: layers, [kind === "random" ? "force" : "forbid"]: { start, end } };
}

type SelectedLayers = Pick<TraceStep, "layers">;

async function firstAnswerStep(
  reader: SequenceReader,
  { prompt, layers, signal }: Pick<SpanEffectsOptions, "prompt" | "layers" | "signal">,
): Promise<SelectedLayers> {
  using fork = reader.fork();
  const { steps } = await inspect(fork, prompt, { layers, heads: 0, before: false, signal });
  return { layers: steps[steps.length - 1].layers.flatMap(({ selected }) => selected ? [selected] : []) };
}

/** Each layer's picked spans; those that touch are one. */
function spansByLayer({ layers }: SelectedLayers): Place[] {
  return layers.flatMap(({ layer, groups }) => {
    return joinedSpans(groups.flatMap((group) => spansOf(group).map((span) => ({ ...span, layers: [layer] }))));
  });
}

function spansOf({ indices, centers, votes, globalCount, windowStart }: TraceGroup): Place[] {
  const spans: { start: number; end: number; votes: number }[] = [];
  for (const token of indices) {
    if (token < globalCount || token >= windowStart) continue;
    const last = spans.at(-1);
    if (last?.end === token) last.end++;
    else spans.push({ start: token, end: token + 1, votes: 0 });
  }
  centers.forEach((center, index) => {
    const span = spans.find(({ start, end }) => center >= start && center < end);
    if (span) span.votes += votes[index];
  });
  return spans.map((span) => ({ ...span, kind: "selected", layers: [] }));
}

/** Spans that overlap or touch put together, with the layers and votes of all of them. */
function joinedSpans(spans: readonly Place[]): Place[] {
  const joined: Place[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (!last || span.start > last.end) {
      joined.push(span);
      continue;
    }
    joined[joined.length - 1] = {
      ...last,
      end: Math.max(last.end, span.end),
      layers: [...new Set([...last.layers, ...span.layers])].sort((a, b) => a - b),
      votes: last.votes + span.votes,
    };
  }
  return joined;
}

interface Draw {
  readonly controls: number;
  readonly random: RandomNumbers;
  readonly promptStart: number;
}

function controlSpans(
  step: SelectedLayers,
  selected: readonly Place[],
  { controls, random, promptStart }: Draw,
): Place[] {
  const layers = step.layers.map(({ layer }) => layer);
  const size = Math.round(selected.reduce((sum, { start, end }) => sum + end - start, 0) / selected.length);
  const windowStart = Math.max(...step.layers.flatMap(({ groups }) => groups.map((group) => group.windowStart)));
  const globalCount = Math.max(...step.layers.flatMap(({ groups }) => groups.map((group) => group.globalCount)));
  const free = (start: number) => selected.every((span) => start + size <= span.start || start >= span.end);
  const draw = (kind: "window" | "random", first: number, end: number): Place[] => {
    const starts = Array.from({ length: Math.max(0, end - size - first + 1) }, (_, index) => first + index).filter(
      free,
    );
    const some = Math.min(controls, starts.length);
    return Array.from({ length: some }, () => {
      const start = starts.splice(random.below(starts.length), 1)[0];
      return { kind, start, end: start + size, layers, votes: 0 };
    });
  };
  // The prompt is part of the window too, but no control: without it nothing is asked.
  return [...draw("window", windowStart, promptStart), ...draw("random", globalCount, windowStart)];
}
