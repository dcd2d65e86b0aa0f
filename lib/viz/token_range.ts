/** A stretch of tokens. */
export interface TokenRange {
  /** First token. */
  readonly start: number;
  /** One past the last token. */
  readonly end: number;
}

/** The text of the tokens from `start` up to, not including, `end`. */
export type TokenText = (start: number, end: number) => string;
