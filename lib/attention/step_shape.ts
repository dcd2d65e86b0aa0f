import type { HeldShape } from "./memory/held_selection.ts";

/** Whether a step reads the prompt or writes the answer. */
export type Phase = "prefill" | "decode";

/** What a method is told of one sequence's step before it runs. */
export interface StepShape {
  /** Tokens cached, the step's own included. */
  readonly length: number;
  /** Tokens of the step. */
  readonly rows: number;
  /** Whether the step reads the prompt or writes the answer. */
  readonly phase: Phase;
  /** Whether it is the first call that fills the cache. */
  readonly first: boolean;
  /** Index of the question's first token; undefined until a question was asked. */
  readonly questionStart: number | undefined;
  /** The sequence's last selection, where one is held. */
  readonly held?: HeldShape;
}

/** Which parts of the cache one sequence's step attends to. */
export interface StepLayout {
  /** "full": all tokens; "window": leading tokens and window; "select": and tokens picked from the middle. */
  readonly mode: "full" | "window" | "select";
  /** Leading tokens attended to. */
  readonly leading: number;
  /** First token of the window. */
  readonly windowStart: number;
  /** Whether a selecting step goes on with tokens that were picked before. Default false. */
  readonly frozen?: boolean;
}
