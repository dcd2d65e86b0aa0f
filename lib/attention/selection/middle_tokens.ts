import type { AttendedTokens, AttentionStep } from "../step.ts";
import { listRuns, type TokenRun } from "./token_runs.ts";

/** A list of each sequence's middle, for all heads. */
export function middleTokens(step: AttentionStep): AttendedTokens {
  return listRuns(
    step,
    step.layouts.map(({ mode, leading, windowStart }): TokenRun => mode === "select" ? [leading, windowStart] : [0, 0]),
  );
}
