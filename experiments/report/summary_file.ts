import type { SettingComparison, SettingSummary } from "../../lib/evaluation/mod.ts";
import type { ReportedSweep } from "./page.ts";

/** Sweeps summed up, small enough to be kept beside the code: what notebooks and tables read. */
export function summaryJson(sweeps: readonly ReportedSweep[]): string {
  const short = (number: number) => Math.abs(number) < 1e-12 ? 0 : Number(number.toPrecision(6));
  const settingsOf = (settings: readonly SettingSummary[]) =>
    settings.map((one) => ({
      axes: one.axes,
      score: short(one.score),
      low: short(one.interval.low),
      high: short(one.interval.high),
      intervalBy: one.intervalBy,
      questions: one.questions,
      scores: Object.fromEntries([...one.scores].map(([seed, score]) => [seed, short(score)])),
      failed: one.failed.length,
      readSeconds: short(one.readSeconds),
      answerSeconds: short(one.answerSeconds),
      peakBytes: one.peakBytes,
      scope: one.scope,
      ...(one.trial.knobs.allowBeyondTrained && { allowBeyondTrained: true }),
    }));
  const comparisonsOf = (comparisons: readonly SettingComparison[]) =>
    comparisons.map(({ setting, baseline, difference, interval, effect, pairs, p, corrected }) => ({
      setting: setting.axes,
      baseline: baseline.axes,
      difference: short(difference),
      low: short(interval.low),
      high: short(interval.high),
      // JSON has no infinity: all contexts differ alike.
      effect: Number.isFinite(effect) ? short(effect) : null,
      pairs,
      p: short(p),
      corrected: short(corrected),
    }));
  const written = sweeps.map(({ summary }) => {
    const {
      spec,
      metric,
      models,
      settings,
      comparisons,
      pooled,
      environments,
      uninformative,
      trials,
      readings,
      saved,
    } = summary;
    return {
      spec,
      metric,
      trials,
      readings,
      saved: short(saved),
      ...(uninformative !== undefined && { uninformative }),
      environments,
      models,
      settings: settingsOf(settings),
      comparisons: comparisonsOf(comparisons),
      ...(pooled && {
        pooled: { settings: settingsOf(pooled.settings), comparisons: comparisonsOf(pooled.comparisons) },
      }),
    };
  });
  return `${JSON.stringify(written, null, 1)}\n`;
}
