import { clusteredInterval, type Interval } from "../statistics.ts";
import type { AxisValue } from "./axis.ts";
import type { Environment, TrialRecord, TrialResult } from "./record.ts";
import { bootstrapInterval, comparePaired, holmCorrected, type PairedComparison } from "./resampling.ts";
import type { SweepSpec } from "./spec.ts";
import { presets } from "../../attention/mod.ts";
import { sweepTask } from "./tasks.ts";
import type { Trial } from "./trial.ts";

/** What one setting came to over all its seeds. */
export interface SettingSummary {
  /** The setting's name. */
  readonly setting: string;
  /** Values of the sweep's axes. */
  readonly axes: Readonly<Record<string, AxisValue>>;
  /** A trial of it: method, length, knobs. */
  readonly trial: Trial;
  /** Mean score of all questions. */
  readonly score: number;
  /** Its 95 % interval. */
  readonly interval: Interval;
  /** How the interval was made. */
  readonly intervalBy: "bootstrap over contexts" | "exact over contexts";
  /** Mean score by seed. */
  readonly scores: ReadonlyMap<number, number>;
  /** Questions asked. */
  readonly questions: number;
  /** Trials that failed, with their errors. */
  readonly failed: readonly string[];
  /** Mean seconds to read a context. */
  readonly readSeconds: number;
  /** Mean seconds to answer a context's questions. */
  readonly answerSeconds: number;
  /** Tokens read in a second. */
  readonly tokensPerSecond: number;
  /** Most bytes of GPU buffers in any trial. */
  readonly peakBytes: number;
  /** Most tokens attended to in any trial. */
  readonly scope: number;
}

/** A setting against the sweep's baseline. */
export interface SettingComparison extends PairedComparison {
  /** The setting. */
  readonly setting: SettingSummary;
  /** What it is compared with: the baseline of the same length and options of the task. */
  readonly baseline: SettingSummary;
  /** The chance corrected for the number of comparisons in the sweep. */
  readonly corrected: number;
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
 */
export function summarizeSweep(spec: SweepSpec, records: readonly TrialRecord[]): SweepSummary {
  const bySetting = Map.groupBy(records, ({ trial }) => trial.setting);
  const settings = [...bySetting.values()].map(summarizeSetting).filter((setting) => setting !== undefined);
  if (settings.length === 0) throw new RangeError(`${spec.name}: no trial came to a result yet`);
  const failedSettings = [...bySetting.values()].filter((all) => all.every(({ status }) => status === "failed"))
    .map(([{ trial, error }]) => ({ axes: trial.axes, error: error! }));
  const comparisons = compare(spec, settings);
  const done = records.filter(({ status }) => status === "done");
  const uninformative = whyUninformative(spec, settings, comparisons);
  return {
    spec,
    metric: done[0].result!.metric,
    settings,
    failedSettings,
    comparisons,
    environments: distinct(records.map(({ environment }) => environment)),
    ...(uninformative !== undefined && { uninformative }),
    trials: done.length,
    readings: done.filter(({ result }) => !result!.shared).length,
    saved: savedFactor(done.map(({ result }) => result!)),
  };
}

function summarizeSetting(records: readonly TrialRecord[]): SettingSummary | undefined {
  const done = records.filter(({ result }) => result !== null);
  if (done.length === 0) return undefined;
  const results = done.map(({ result }) => result!);
  const clusters = results.map(({ questions }) => ({
    correct: questions.reduce((sum, { score }) => sum + score, 0),
    total: questions.length,
  }));
  const questions = clusters.reduce((sum, { total }) => sum + total, 0);
  const mean = (of: (result: typeof results[number]) => number) =>
    results.reduce((sum, result) => sum + of(result), 0) / results.length;
  const agree = new Set(results.map(({ score }) => score)).size === 1 &&
    (results[0].score === 0 || results[0].score === 1);
  const { trial } = done[0];
  return {
    setting: trial.setting,
    axes: trial.axes,
    trial,
    score: clusters.reduce((sum, { correct }) => sum + correct, 0) / questions,
    interval: agree ? clusteredInterval(clusters, { agreeing: "haystack" }) : bootstrapInterval(clusters),
    intervalBy: agree ? "exact over contexts" : "bootstrap over contexts",
    scores: new Map(done.map(({ trial, result }) => [trial.seed, result!.score])),
    questions,
    failed: records.filter(({ error }) => error !== null).map(({ error }) => error!),
    readSeconds: mean(({ readSeconds }) => readSeconds),
    answerSeconds: mean(({ answerSeconds }) => answerSeconds),
    tokensPerSecond: mean(({ tokens }) => tokens) / Math.max(mean(({ readSeconds }) => readSeconds), 1e-9),
    peakBytes: Math.max(...results.map(({ peakBytes }) => peakBytes)),
    scope: Math.max(...results.map(({ scope }) => scope)),
  };
}

/** A value of a setting by an axis' name, whether or not the axis is told. */
export function valueOf({ trial }: Pick<SettingSummary, "trial">, name: string): AxisValue {
  if (name === "method" || name === "length") return trial[name];
  if (name.startsWith("task.")) return trial.parameters[name.slice("task.".length)];
  return (trial.knobs as unknown as Record<string, AxisValue>)[name];
}

/** Whether an axis is part of what is asked, not of how it is answered: settings are compared within it. */
function isOfTask(name: string): boolean {
  return name === "length" || name.startsWith("task.");
}

/** The baselines: the settings with the spec's, or the preset's, values; one for each length and options of the task. */
export function baselinesOf(spec: SweepSpec, settings: readonly SettingSummary[]): SettingSummary[] {
  const named = Object.entries(spec.baseline);
  const wanted: [string, AxisValue][] = named.length > 0
    ? named
    : Object.keys(settings[0].axes).filter((name) => !isOfTask(name)).map((name) => {
      const preset: object = { ...presets[spec.preset], ...spec.set, method: spec.methods[0] };
      return [name, (preset as Record<string, AxisValue>)[name]];
    });
  return settings.filter((setting) => wanted.every(([name, value]) => valueOf(setting, name) === value));
}

function compare(spec: SweepSpec, settings: readonly SettingSummary[]): SettingComparison[] {
  const baselines = baselinesOf(spec, settings);
  const task = Object.keys(settings[0].axes).filter(isOfTask);
  const pairs = settings.flatMap((setting) => {
    const baseline = baselines.find((one) => task.every((name) => valueOf(one, name) === valueOf(setting, name)));
    if (!baseline || baseline === setting) return [];
    const seeds = [...setting.scores.keys()].filter((seed) => baseline.scores.has(seed));
    if (seeds.length === 0) return [];
    const scores = ({ scores }: SettingSummary) => seeds.map((seed) => scores.get(seed)!);
    return [{ setting, baseline, ...comparePaired(scores(setting), scores(baseline)) }];
  });
  const corrected = holmCorrected(pairs.map(({ p }) => p));
  return pairs.map((pair, index) => ({ ...pair, corrected: corrected[index] }));
}

function whyUninformative(
  spec: SweepSpec,
  settings: readonly SettingSummary[],
  comparisons: readonly SettingComparison[],
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

function distinct(environments: readonly Environment[]): Environment[] {
  return [...new Map(environments.map((one) => [JSON.stringify(one), one])).values()];
}
