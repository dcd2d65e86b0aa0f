import { presets } from "../../attention/mod.ts";
import type { AxisValue } from "./axis.ts";
import { comparePaired, holmCorrected, type PairedComparison } from "./resampling.ts";
import { type SettingSummary, valueOf } from "./setting_summary.ts";
import type { SweepSpec } from "./spec.ts";

/** A setting against the sweep's baseline. */
export interface SettingComparison extends PairedComparison {
  /** The setting. */
  readonly setting: SettingSummary;
  /** What it is compared with: the baseline of the same model, length and options of the task. */
  readonly baseline: SettingSummary;
  /** The chance corrected for the number of comparisons in the sweep. */
  readonly corrected: number;
}

/** Whether settings are compared within an axis: it is part of what is asked or who is asked, not of how it is answered. */
function isWithin(name: string, { baseline }: SweepSpec): boolean {
  if (name === "model") return !("model" in baseline);
  return name === "length" || name.startsWith("task.");
}

/**
 * The baselines: the settings with the spec's, or the preset's, values; one for each model, length and options of the
 * task.
 *
 * @example
 * ```ts
 * import { baselinesOf, parseSweepSpec, planSweep, type SettingSummary } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const spec = parseSweepSpec({ sweep: { k: [1, 2, 4] }, baseline: { k: 2 }, seeds: [7] });
 * const { trials } = await planSweep(spec);
 * // Only a setting's trial matters here, not what it came to.
 * const settings = trials.map((trial) => ({ trial }) as SettingSummary);
 * assertEquals(baselinesOf(spec, settings).map(({ trial }) => trial.knobs.k), [2]);
 * ```
 */
export function baselinesOf(spec: SweepSpec, settings: readonly SettingSummary[]): SettingSummary[] {
  const named = Object.entries(spec.baseline);
  const wanted: [string, AxisValue][] = named.length > 0
    ? named
    : Object.keys(settings[0].axes).filter((name) => !isWithin(name, spec)).map((name) => {
      const preset: object = { ...presets[spec.preset], ...spec.set, method: spec.methods[0] };
      return [name, (preset as Record<string, AxisValue>)[name]];
    });
  return settings.filter((setting) => wanted.every(([name, value]) => valueOf(setting, name) === value));
}

/** Each setting against the baseline of its kind, on the contexts that both have. */
export function compareSettings(spec: SweepSpec, settings: readonly SettingSummary[]): SettingComparison[] {
  const baselines = baselinesOf(spec, settings);
  const task = Object.keys(settings[0].axes).filter((name) => isWithin(name, spec));
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
