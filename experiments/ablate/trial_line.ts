import type { TrialRecord } from "../../lib/evaluation/mod.ts";
import { trialLabel } from "./sweep_progress.ts";

/** A trial that ended, in a line. */
export function trialLine({ trial, result, error }: TrialRecord): string {
  if (!result) return `failed  ${trialLabel(trial)}: ${error}`;
  const time = `${(result.shared ? 0 : result.readSeconds).toFixed(1)} + ${result.answerSeconds.toFixed(1)} s`;
  return `${result.score.toFixed(2)}  ${trialLabel(trial)}  (${time})`;
}
