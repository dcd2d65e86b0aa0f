import type { DemoRow } from "../../../lib/evaluation/mod.ts";

/** A row as a run may give it. */
export function exampleRow(changes: Partial<DemoRow> = {}): DemoRow {
  return {
    method: "reattention",
    length: 8192,
    haystacks: 2,
    questions: 16,
    exact: 1,
    low: 0.794,
    high: 1,
    scope: 512,
    seconds: 34.66,
    tokensPerSecond: 1234.5,
    peakBytes: 62 * 2 ** 20,
    needlesPerContext: 4,
    variant: "plain",
    wording: "varied",
    opening: true,
    seed: 1,
    allowBeyondTrained: false,
    answers: [],
    ...changes,
  };
}
