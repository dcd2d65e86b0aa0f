import type { TokenRange } from "./selected_spans_figure.ts";

/** One head's scores along the context. */
export interface ScoreCurve {
  /** What was scored, as "position-agnostic" or "rotated". */
  readonly name: string;
  /** One score per cached position, from the context's first token on: the dot product of query and key. */
  readonly scores: ArrayLike<number>;
}

/** What to draw. */
export interface ScoresInput {
  /** One picture each, one below the other. */
  readonly curves: readonly ScoreCurve[];
  /** Above the figure; none where it is empty. */
  readonly title?: string;
  /** Tokens that the head picked by the first curve's scores, marked there. */
  readonly picked?: ArrayLike<number>;
  /** The asked-for needle, marked. */
  readonly needle?: TokenRange;
  /** The text of a stretch of tokens, for the hover text. */
  readonly text?: (start: number, end: number) => string;
}
