import type { TokenRange } from "./token_range.ts";

/** What to draw. */
export interface ShadedTextInput {
  /** Positions in the whole context of the tokens to show, rising. */
  readonly positions: ArrayLike<number>;
  /** Weight of each, as one head's row or a mean over heads. */
  readonly weights: ArrayLike<number>;
  /** The text of a stretch of tokens. */
  readonly text: (start: number, end: number) => string;
  /** Above the figure; none where it is empty. */
  readonly title?: string;
  /** The asked-for needle, marked. */
  readonly needle?: TokenRange;
}
