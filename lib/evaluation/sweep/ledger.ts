import type { TrialRecord } from "./record.ts";
import { prefillKeyOf, type Trial } from "./trial.ts";

/** How far a sweep is. */
export interface LedgerCounts {
  /** Trials with a result. */
  readonly done: number;
  /** Trials that failed. */
  readonly failed: number;
  /** Trials that nobody has begun. */
  readonly pending: number;
  /** Trials that are being run, here or elsewhere. */
  readonly claimed: number;
}

/** A trial to run now. */
export interface ClaimedTrial {
  /** The trial. */
  readonly trial: Trial;
  /** Names its reading: trials of one name share it. */
  readonly prefill: string;
}

/** Which trials of a sweep there are, who runs them, and what they came to. Several runners may share one. */
export interface Ledger {
  /**
   * Takes a trial that nobody has, those of a reading first.
   *
   * @returns the trial; "wait" where all that are left are being run by others; undefined where none is left
   */
  claim(preferred?: string): ClaimedTrial | "wait" | undefined;
  /** Keeps a claimed trial's record; false where the claim was lost to another, whose record counts. */
  finish(record: TrialRecord, trace?: unknown): boolean;
  /** Gives a claimed trial back. */
  release(id: string): void;
  /** Says that the claims are still held. */
  beat(): void;
  /** How far the sweep is. */
  counts(): LedgerCounts;
  /** Records of all trials that ended, in the sweep's order. */
  records(): TrialRecord[];
}

/**
 * A ledger in memory, for one runner.
 *
 * @example
 * ```ts
 * import { InMemoryLedger, parseSweepSpec, planSweep } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const { trials } = await planSweep(parseSweepSpec({ sweep: { k: [1, 4] }, seeds: [0] }));
 * const ledger = new InMemoryLedger(trials);
 * const { trial } = ledger.claim()!;
 * assertEquals(ledger.counts(), { done: 0, failed: 0, pending: 1, claimed: 1 });
 * ledger.release(trial.id);
 * assertEquals(ledger.counts().pending, 2);
 * ```
 */
export class InMemoryLedger implements Ledger {
  readonly #waiting: Map<string, ClaimedTrial>;
  readonly #claimed = new Map<string, ClaimedTrial>();
  readonly #records = new Map<string, TrialRecord>();
  readonly #order: readonly string[];

  /** A ledger of trials of which none has run. */
  constructor(trials: readonly Trial[]) {
    this.#waiting = new Map(trials.map((trial) => [trial.id, { trial, prefill: prefillKeyOf(trial) }]));
    this.#order = [...this.#waiting.keys()];
  }

  /** Takes the next trial. */
  claim(preferred?: string): ClaimedTrial | undefined {
    const waiting = [...this.#waiting.values()];
    const next = waiting.find(({ prefill }) => prefill === preferred) ?? waiting[0];
    if (!next) return undefined;
    this.#waiting.delete(next.trial.id);
    this.#claimed.set(next.trial.id, next);
    return next;
  }

  /** Keeps a record. */
  finish(record: TrialRecord): boolean {
    this.#claimed.delete(record.trial.id);
    this.#records.set(record.trial.id, record);
    return true;
  }

  /** Gives a trial back. */
  release(id: string): void {
    const claim = this.#claimed.get(id);
    if (!claim) return;
    this.#claimed.delete(id);
    this.#waiting.set(id, claim);
  }

  /** Nobody else looks. */
  beat(): void {}

  /** How far the sweep is. */
  counts(): LedgerCounts {
    const records = [...this.#records.values()];
    const failed = records.filter(({ status }) => status === "failed").length;
    return { done: records.length - failed, failed, pending: this.#waiting.size, claimed: this.#claimed.size };
  }

  /** What ended so far. */
  records(): TrialRecord[] {
    return this.#order.map((id) => this.#records.get(id)).filter((record) => record !== undefined);
  }
}
