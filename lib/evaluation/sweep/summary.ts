import { baselinesOf, compareSettings, type SettingComparison } from "./comparisons.ts";
import type { Environment, TrialRecord, TrialResult } from "./record.ts";
import { pooledSettings, type SettingSummary, summarizeSetting } from "./setting_summary.ts";
import type { SweepSpec } from "./spec.ts";
import { sweepTask } from "./tasks.ts";
import type { Trial } from "./trial.ts";

/** Settings of several models taken together. */
export interface PooledSummary {
  /** Settings without a model: see `pooledSettings`. */
  readonly settings: readonly SettingSummary[];
  /** Each setting against the baseline: a context's difference is its mean over the models. */
  readonly comparisons: readonly SettingComparison[];
}

/** What a sweep came to. */
export interface SweepSummary {
  /** The spec. */
  readonly spec: SweepSpec;
  /** What the score is called. */
  readonly metric: string;
  /** Settings with a result, in the sweep's order. */
  readonly settings: readonly SettingSummary[];
  /** Settings none of whose trials came to a result, with an error. */
  readonly failedSettings: readonly { readonly axes: Trial["axes"]; readonly error: string }[];
  /** Each setting against the baseline. */
  readonly comparisons: readonly SettingComparison[];
  /** Settings of several models taken together, each against the pooled baseline; undefined with one model. */
  readonly pooled?: PooledSummary;
  /** The models, with what they are; more than one fingerprint where files under a name changed while the sweep ran. */
  readonly models: readonly { readonly name: string; readonly fingerprints: readonly string[] }[];
  /** What the trials ran on; more than one where they ran on several machines or versions. */
  readonly environments: readonly Environment[];
  /** Why the sweep says nothing about its knobs, if it doesn't. */
  readonly uninformative?: string;
  /** Trials that ran. */
  readonly trials: number;
  /** Contexts that were read for them. */
  readonly readings: number;
  /** How many times as long the trials would have taken had each read its context itself. */
  readonly saved: number;
}

/** A default between these leaves room for a knob to help, and to harm. */
const TELLING: readonly [number, number] = [0.4, 0.9];

/**
 * Sums a sweep's records up: settings with intervals, each against the baseline, and whether all that says anything.
 *
 * @throws {RangeError} where no trial came to a result.
 *
 * @example
 * ```ts
 * import { ablate, parseSweepSpec, summarizeSweep } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const spec = parseSweepSpec({ sweep: { recallClip: [0, 7] }, lengths: [500], seeds: [1, 2] });
 * const summary = summarizeSweep(spec, await Array.fromAsync(ablate(spec)));
 * assertEquals([summary.settings.length, summary.trials], [2, 4]);
 * ```
 */
export function summarizeSweep(spec: SweepSpec, records: readonly TrialRecord[]): SweepSummary {
  const bySetting = Map.groupBy(records, ({ trial }) => trial.setting);
  const settings = [...bySetting.values()].map(summarizeSetting).filter((setting) => setting !== undefined);
  if (settings.length === 0) throw new RangeError(`${spec.name}: no trial came to a result yet`);
  const failedSettings = [...bySetting.values()].filter((all) => all.every(({ status }) => status === "failed"))
    .map(([{ trial, error }]) => ({ axes: trial.axes, error: error! }));
  const comparisons = compareSettings(spec, settings);
  const together = pooledSettings(settings);
  const pooled = together.length > 0 ? { settings: together, comparisons: compareSettings(spec, together) } : undefined;
  const done = records.filter(({ status }) => status === "done");
  const uninformative = whyUninformative(spec, pooled ?? { settings, comparisons });
  return {
    spec,
    metric: done[0].result!.metric,
    settings,
    failedSettings,
    comparisons,
    ...(pooled && { pooled }),
    models: modelsOf(records),
    environments: distinct(records.map(({ environment }) => environment)),
    ...(uninformative !== undefined && { uninformative }),
    trials: done.length,
    readings: done.filter(({ result }) => !result!.shared).length,
    saved: savedFactor(done.map(({ result }) => result!)),
  };
}

function whyUninformative(
  spec: SweepSpec,
  { settings, comparisons }: PooledSummary,
): string | undefined {
  const scores = settings.map(({ score }) => score);
  if (settings.length > 1 && scores.every((score) => score === 0)) {
    return "every setting scores 0: the task is too hard to tell them apart";
  }
  if (settings.length > 1 && scores.every((score) => score === 1)) {
    return "every setting scores 1: the task is too easy to tell them apart";
  }
  const baselines = baselinesOf(spec, settings);
  const out = baselines.filter(({ score }) => score < TELLING[0] || score > TELLING[1]);
  if (out.length === 0 || out.length < baselines.length || comparisons.some(({ corrected }) => corrected < 0.05)) {
    return undefined;
  }
  const [{ score }] = out;
  const chance = sweepTask(spec.task).chance?.(settings[0].trial.parameters);
  const near = chance !== undefined && Math.abs(score - chance) < 0.05
    ? `, near the ${chance.toFixed(2)} of guessing`
    : "";
  return `the baseline scores ${score.toFixed(2)}${near}, outside of ${
    TELLING.join(" to ")
  }, and nothing differs from it: ` +
    "make the task harder or easier (needles, variant, length)";
}

function savedFactor(results: readonly TrialResult[]): number {
  const seconds = (counts: (result: TrialResult) => boolean) =>
    results.reduce((sum, one) => sum + one.answerSeconds + (counts(one) ? one.readSeconds : 0), 0);
  return seconds(() => true) / Math.max(seconds(({ shared }) => !shared), 1e-9);
}

function modelsOf(records: readonly TrialRecord[]): SweepSummary["models"] {
  const byName = Map.groupBy(records, ({ trial }) => trial.model);
  return [...byName].map(([name, own]) => {
    const known = own.map(({ modelFingerprint }) => modelFingerprint).filter((one) => one !== null);
    return { name, fingerprints: [...new Set(known)] };
  });
}

function distinct(environments: readonly Environment[]): Environment[] {
  return [...new Map(environments.map((one) => [JSON.stringify(one), one])).values()];
}
