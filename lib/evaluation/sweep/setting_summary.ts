import { clusteredInterval, type Interval, type Score } from "../statistics.ts";
import type { AxisValue } from "./axis.ts";
import type { TrialRecord } from "./record.ts";
import { bootstrapInterval } from "./resampling.ts";
import { canonicalJson, type Trial } from "./trial.ts";

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

/** Sums the records of one setting up; undefined where none came to a result. */
export function summarizeSetting(records: readonly TrialRecord[]): SettingSummary | undefined {
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
  const { trial } = done[0];
  return {
    setting: trial.setting,
    axes: trial.axes,
    trial,
    ...meanOf(clusters),
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

/** Mean with its interval: exact where all answers agree, else by the bootstrap. */
function meanOf(clusters: readonly Score[]): Pick<SettingSummary, "score" | "interval" | "intervalBy"> {
  const total = clusters.reduce((sum, cluster) => sum + cluster.total, 0);
  const score = clusters.reduce((sum, { correct }) => sum + correct, 0) / total;
  return score === 0 || score === 1
    ? { score, interval: clusteredInterval(clusters, { agreeing: "haystack" }), intervalBy: "exact over contexts" }
    : { score, interval: bootstrapInterval(clusters), intervalBy: "bootstrap over contexts" };
}

/**
 * Settings of several models taken together, each model counting alike. Intervals are over contexts, one that several models
 * read counting once: models that read the same text are not independent of each other. So they tell what other contexts
 * would give, with these models; how far models differ is told by the settings of each.
 *
 * @param settings of all models; those that not every model has a result for are left out
 * @returns settings without a model; none where there is one model only
 *
 * @example
 * ```ts
 * import { ablate, parseSweepSpec, pooledSettings, summarizeSweep } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const spec = parseSweepSpec({ sweep: { k: [1, 4] }, lengths: [500], seeds: [0] });
 * const { settings } = summarizeSweep(spec, await Array.fromAsync(ablate(spec)));
 * assertEquals(pooledSettings(settings), []);
 * // As if another model had come to the same.
 * const others = settings.map((setting) => ({ ...setting, trial: { ...setting.trial, model: "other" } }));
 * const pooled = pooledSettings([...settings, ...others]);
 * assertEquals(pooled.map(({ axes, questions }) => [axes, questions]), [[{ k: 1 }, 8], [{ k: 4 }, 8]]);
 * ```
 */
export function pooledSettings(settings: readonly SettingSummary[]): SettingSummary[] {
  const models = new Set(settings.map(({ trial }) => trial.model)).size;
  if (models < 2) return [];
  const groups = Map.groupBy(settings, ({ axes: { model: _, ...axes } }) => canonicalJson(axes));
  return [...groups.values()].filter((members) => members.length === models).map(pooledSetting)
    .filter(({ scores }) => scores.size > 0);
}

function pooledSetting(members: readonly SettingSummary[]): SettingSummary {
  const mean = (of: (member: SettingSummary) => number) =>
    members.reduce((sum, member) => sum + of(member), 0) / members.length;
  const { model: _, ...axes } = members[0].axes;
  const seeds = [...members[0].scores.keys()].filter((seed) => members.every(({ scores }) => scores.has(seed)));
  const clusters = seeds.map((seed) => ({
    correct: members.reduce((sum, { scores }) => sum + scores.get(seed)!, 0),
    total: members.length,
  }));
  return {
    setting: members.map(({ setting }) => setting).join("+"),
    axes,
    trial: members[0].trial,
    ...meanOf(clusters),
    scores: new Map(seeds.map((seed, index) => [seed, clusters[index].correct / members.length])),
    questions: members.reduce((sum, { questions }) => sum + questions, 0),
    failed: members.flatMap(({ failed }) => failed),
    readSeconds: mean(({ readSeconds }) => readSeconds),
    answerSeconds: mean(({ answerSeconds }) => answerSeconds),
    tokensPerSecond: mean(({ tokensPerSecond }) => tokensPerSecond),
    peakBytes: Math.max(...members.map(({ peakBytes }) => peakBytes)),
    scope: Math.max(...members.map(({ scope }) => scope)),
  };
}

/**
 * A value of a setting by an axis' name, whether or not the axis is told.
 *
 * @example
 * ```ts
 * import { parseSweepSpec, planSweep, valueOf } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const spec = parseSweepSpec({ sweep: { k: [1, 4] }, lengths: [500], seeds: [0] });
 * const { trials: [, trial] } = await planSweep(spec);
 * assertEquals([valueOf({ trial }, "k"), valueOf({ trial }, "length")], [4, 500]);
 * ```
 */
export function valueOf({ trial }: Pick<SettingSummary, "trial">, name: string): AxisValue {
  if (name === "model" || name === "method" || name === "length") return trial[name];
  if (name.startsWith("task.")) return trial.parameters[name.slice("task.".length)];
  return (trial.knobs as unknown as Record<string, AxisValue>)[name];
}
