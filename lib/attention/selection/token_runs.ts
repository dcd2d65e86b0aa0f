import { Tensor } from "../../tensor/mod.ts";
import type { AttendedTokens, AttentionStep } from "../step.ts";

/** First token and end of a run of tokens. */
export type TokenRun = readonly [first: number, end: number];

/** Most tokens of a run. */
export function longestOf(runs: readonly TokenRun[]): number {
  return Math.max(...runs.map(([first, end]) => end - first));
}

/** A run's tokens. */
export function tokensOf([first, end]: TokenRun): Uint32Array<ArrayBuffer> {
  // Runs are as long as contexts, and layers of every chunk list them: a mapping would be called for each token.
  const tokens = new Uint32Array(end - first);
  for (let place = 0; place < tokens.length; place++) tokens[place] = first + place;
  return tokens;
}

/** A list of a run of each sequence's tokens, for all heads. */
export function listRuns({ device }: AttentionStep, runs: readonly TokenRun[]): AttendedTokens {
  const bound = longestOf(runs);
  const tokens = new Uint32Array(runs.length * bound);
  runs.forEach((run, sequence) => tokens.set(tokensOf(run), sequence * bound));
  const lengths = Uint32Array.from(runs, ([first, end]) => end - first);
  const indices = Tensor.from(device, tokens, [runs.length, 1, bound], "runs of tokens");
  const counts = Tensor.from(device, lengths, [runs.length, 1], "lengths of runs");
  return { indices, counts, selections: 1, bound };
}
