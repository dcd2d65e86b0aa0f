import type { Bench, ClaimedTrial, EndedTrial, TrialOptions, TrialRecord } from "../../../lib/evaluation/mod.ts";
import { RECORD_VERSION } from "../../../lib/evaluation/mod.ts";

/** A record of a trial that nobody ran. */
export function fakeRecord({ trial }: ClaimedTrial, score = 0.5, error?: string): TrialRecord {
  const result = {
    metric: "exact match",
    score,
    questions: [{ name: "Zena", depth: 0.5, expected: "482 913", answer: "482 913", score }],
    tokens: trial.length - 64,
    readSeconds: 1,
    shared: false,
    answerSeconds: 0.5,
    tokensPerSecond: trial.length - 64,
    peakBytes: 1000,
    scope: 512,
  };
  return {
    version: RECORD_VERSION,
    trial,
    modelFingerprint: `${trial.model}-0`,
    status: error === undefined ? "done" : "failed",
    result: error === undefined ? result : null,
    error: error ?? null,
    endedAt: "2026-01-01T00:00:00.000Z",
    environment: {
      adapter: "none",
      software: true,
      cpu: "none",
      os: "none",
      deno: "0",
      toolkit: "0",
      commit: null,
    },
  };
}

/** Takes its time over trials instead of running them. */
export class FakeBench implements Bench {
  prefill: string | undefined;
  readonly ran: string[] = [];
  readonly #milliseconds: number;
  readonly #fails: (claim: ClaimedTrial) => string | undefined;

  constructor(milliseconds = 0, fails: (claim: ClaimedTrial) => string | undefined = () => undefined) {
    this.#milliseconds = milliseconds;
    this.#fails = fails;
  }

  async run(claim: ClaimedTrial, { signal }: TrialOptions): Promise<EndedTrial> {
    this.ran.push(claim.trial.id);
    await new Promise((resolve) => setTimeout(resolve, this.#milliseconds));
    signal?.throwIfAborted();
    this.prefill = claim.prefill;
    return { record: fakeRecord(claim, (claim.trial.seed % 3) / 2, this.#fails(claim)) };
  }
}
