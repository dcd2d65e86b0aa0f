import type { AttendedLayer } from "../attended_spans.ts";
import type { Figure } from "../figure.ts";
import { firstThatFits } from "../size_limit.ts";
import { placedSpans, rowLabels, spanArrays, spanKinds, spanTrace, votesKey } from "../span_traces.ts";
import { aroundNeedle, spansLayout } from "../spans_layout.ts";
import type { TokenRange, TokenText } from "../token_range.ts";

/** What a step attended to, and what to mark. */
export interface SelectedSpansInput {
  /** What each layer attended to. */
  layers: readonly AttendedLayer[];
  /** Tokens in the context, the step's own included. */
  length: number;
  /** The asked-for needle; a second picture shows what lies around it. */
  needle?: TokenRange;
  /** First token of the question. */
  questionStart?: number;
  /** The text of a stretch of tokens, for the hover text. */
  text?: TokenText;
  /** Above the figure. Default: none. */
  title?: string;
}

/**
 * What every layer attended to in one step: one row per layer (and per KV head where heads select on their own), the whole
 * context from left to right. Leading tokens and window have a colour each; picked spans are darker the more votes they
 * got. A span of a few tokens in a long context would be thinner than a pixel: a mark of fixed width on it keeps it visible.
 * With a needle, a second picture below shows the tokens around it at full size.
 *
 * @throws {RangeError} for a length that is none.
 *
 * @example
 * ```ts
 * import { selectedSpansFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const group = { indices: [0, 40, 41, 98, 99], centers: [41], votes: [3], globalCount: 1, windowStart: 98 };
 * const figure = selectedSpansFigure({ layers: [{ layer: 0, groups: [group] }], length: 100 });
 * assertEquals(figure.data[2].base, [40]);
 * ```
 */
export function selectedSpansFigure(input: SelectedSpansInput): Figure {
  const { layers, length, needle } = input;
  checkLength("selectedSpansFigure", length);
  const layout = spansLayout({ ...input, labels: rowLabels(layers) });
  const levels = [[48, 0], [12, 0], [0, 0], [0, length / 2000]] as const;
  return firstThatFits(
    "selectedSpansFigure",
    levels.map(([textTokens, apart]) => () => {
      const spans = placedSpans(layers, apart);
      const most = mostVotes(spans);
      const drawing = { text: input.text, textTokens };
      const near = aroundNeedle(needle, length);
      const data = spanKinds.flatMap((kind) => {
        const whole = spanTrace(kind, spanArrays(kind, spans, drawing), most, "");
        const close = near && spanArrays(kind, spans, drawing, near);
        return close && close.x.length > 0 ? [whole, spanTrace(kind, close, most, "2")] : [whole];
      });
      return { data: [...data, votesKey(most)], layout };
    }),
  );
}

/** Throws for a length that is none. */
export function checkLength(name: string, length: number): void {
  if (Number.isInteger(length) && length >= 1) return;
  throw new RangeError(`${name}: length ${length} must be a whole number of at least 1`);
}

/** Votes of the span with the most; at least 1. */
export function mostVotes(spans: readonly { readonly votes: number }[]): number {
  return spans.reduce((most, { votes }) => Math.max(most, votes), 1);
}
