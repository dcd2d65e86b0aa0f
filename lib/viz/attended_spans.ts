/** What one group of heads attended to in one layer; traces of `lib/attention` have it. */
export interface AttendedGroup {
  /** Attended positions in the whole context, rising. */
  readonly indices: ArrayLike<number>;
  /** Kept candidates in the whole context, rising. */
  readonly centers: ArrayLike<number>;
  /** Votes of each kept candidate. */
  readonly votes: ArrayLike<number>;
  /** Leading tokens always attended to. */
  readonly globalCount: number;
  /** First token of the window. */
  readonly windowStart: number;
}

/** What one layer attended to. */
export interface AttendedLayer {
  /** The layer's number. */
  readonly layer: number;
  /** One group where all heads share a selection, one per KV head otherwise. */
  readonly groups: readonly AttendedGroup[];
}

/** Tokens that stand side by side and were attended to for the same reason. */
export interface AttendedSpan {
  /** Leading tokens, the window's, or picked ones between. */
  readonly kind: "global" | "window" | "selected";
  /** First token. */
  readonly start: number;
  /** One past the last token. */
  readonly end: number;
  /** Votes of the span's candidates together; 0 for leading tokens and the window. */
  readonly votes: number;
}

/**
 * Puts a list of attended tokens together to spans. Picked spans that touch are one.
 *
 * @example
 * ```ts
 * import { attendedSpans } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const group = { indices: [0, 4, 5, 9], centers: [5], votes: [3], globalCount: 1, windowStart: 9 };
 * assertEquals(attendedSpans(group)[1], { kind: "selected", start: 4, end: 6, votes: 3 });
 * ```
 */
export function attendedSpans(group: AttendedGroup): AttendedSpan[] {
  const spans: { kind: AttendedSpan["kind"]; start: number; end: number; votes: number }[] = [];
  for (let i = 0; i < group.indices.length; i++) {
    const token = group.indices[i];
    const kind = token < group.globalCount ? "global" : token >= group.windowStart ? "window" : "selected";
    const last = spans.at(-1);
    if (last?.kind === kind && last.end === token) last.end++;
    else spans.push({ kind, start: token, end: token + 1, votes: 0 });
  }
  // Spans and candidates both rise: one walk along both.
  let center = 0;
  for (const span of spans) {
    while (center < group.centers.length && group.centers[center] < span.start) center++;
    for (; center < group.centers.length && group.centers[center] < span.end; center++) {
      if (span.kind === "selected") span.votes += group.votes[center];
    }
  }
  return spans;
}
