import { settingLabel, type Trial, type TrialRecord } from "../../lib/evaluation/mod.ts";
import type { Progress } from "../command/progress.ts";

/** What is told of a sweep before it goes on. */
export interface SweepProgressOptions {
  /** Its name. */
  name: string;
  /** Its trials. */
  total: number;
  /** Those that ended in an earlier run. */
  earlier: readonly TrialRecord[];
  /** The clock in milliseconds. Default `performance.now`. */
  now?: () => number;
}

/** How far a sweep is, in words and as a share. */
export class SweepProgress {
  readonly #name: string;
  readonly #progress: Pick<Progress, "update">;
  readonly #total: number;
  readonly #now: () => number;
  readonly #start: number;
  readonly #scores = new Map<string, { label: string; sum: number; count: number }>();
  readonly #before: number;
  #done: number;
  #failed = 0;

  /** A sweep of `total` trials, of which some ended in an earlier run. */
  constructor(
    progress: Pick<Progress, "update">,
    { name, total, earlier, now = () => performance.now() }: SweepProgressOptions,
  ) {
    this.#name = name;
    this.#progress = progress;
    this.#total = total;
    this.#now = now;
    this.#start = now();
    for (const record of earlier) this.#count(record);
    this.#before = this.#done = earlier.length;
  }

  /** Trials that ended. */
  get done(): number {
    return this.#done;
  }

  /** Takes an ended trial in. */
  ended(record: TrialRecord): void {
    this.#count(record);
    this.#done++;
  }

  /** `others`: trials that ended in other processes meanwhile. */
  update(trial: Trial | undefined, share: number, phase: string, done = this.#done): void {
    this.#done = Math.max(this.#done, done);
    const now = trial ? `${trialLabel(trial)}, ${phase}` : "waiting for trials of other processes";
    const words = `${this.#done} of ${this.#total}, ${this.summary(share)}; ${now}`;
    this.#progress.update((this.#done + share) / this.#total, this.#name, words);
  }

  /** Rate, time left and best so far. */
  summary(share = 0): string {
    const minutes = (this.#now() - this.#start) / 60_000;
    const ran = this.#done + share - this.#before;
    const parts = [];
    if (ran >= 1) {
      const rate = ran / minutes;
      parts.push(
        `${rate.toFixed(rate < 10 ? 1 : 0)}/min, ${duration(60 * (this.#total - this.#done - share) / rate)} left`,
      );
    }
    const best = [...this.#scores.values()].sort((a, b) => b.sum / b.count - a.sum / a.count)[0];
    if (best) parts.push(`best ${(best.sum / best.count).toFixed(2)} (${best.label})`);
    if (this.#failed > 0) parts.push(`${this.#failed} failed`);
    return parts.join(", ") || "starting";
  }

  #count({ trial, result }: TrialRecord): void {
    if (!result) {
      this.#failed++;
      return;
    }
    const known = this.#scores.get(trial.setting) ?? { label: settingLabel(trial.axes), sum: 0, count: 0 };
    this.#scores.set(trial.setting, { ...known, sum: known.sum + result.score, count: known.count + 1 });
  }
}

/** A trial in words. */
export function trialLabel({ axes, seed }: Trial): string {
  return `${settingLabel(axes)}, seed ${seed}`;
}

/** Seconds in words: "45 s", "12 min", "3.5 h". */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
