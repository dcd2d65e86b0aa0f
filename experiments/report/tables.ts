import {
  baselinesOf,
  type SettingComparison,
  settingLabel,
  type SettingSummary,
  type SweepSummary,
} from "../../lib/evaluation/mod.ts";
import type { ReportTable } from "../../lib/viz/mod.ts";
import type { SweepSource } from "./sources.ts";
import { chanceText, signed } from "./words.ts";

/** Numbers stand at the right. */
export const right = { align: "right" } as const;

/** A row for each setting. */
export function settingsTable({ metric, spec }: SweepSummary, settings: readonly SettingSummary[]): ReportTable {
  const names = Object.keys(settings[0].axes);
  const numeric = (name: string) => settings.every(({ axes }) => typeof axes[name] === "number");
  const baselines = baselinesOf(spec, settings);
  return {
    interactive: true,
    columns: [
      ...names.map((name) => ({ label: name.replace(/^task\./, ""), ...(numeric(name) && right) })),
      ...[
        metric,
        "95 % interval",
        "right",
        "contexts",
        "failed",
        "seconds to read",
        "seconds to answer",
        "tokens/s",
        "MiB",
        "scope",
      ]
        .map((label) => ({ label, ...right })),
      { label: "" },
    ],
    rows: settings.map((setting) => [
      ...names.map((name) => String(setting.axes[name])),
      setting.score.toFixed(3),
      `${setting.interval.low.toFixed(2)} to ${setting.interval.high.toFixed(2)}`,
      `${Math.round(setting.score * setting.questions)} of ${setting.questions}`,
      String(setting.scores.size),
      String(setting.failed.length),
      setting.readSeconds.toFixed(2),
      setting.answerSeconds.toFixed(2),
      Math.round(setting.tokensPerSecond).toString(),
      Math.round(setting.peakBytes / 2 ** 20).toString(),
      String(setting.scope),
      [
        baselines.includes(setting) && "baseline",
        setting.trial.knobs.allowBeyondTrained && "may pass the trained context",
      ]
        .filter(Boolean).join(", "),
    ]),
  };
}

/** A row for each comparison with a baseline. */
export function comparisonsTable(comparisons: readonly SettingComparison[]): ReportTable {
  return {
    interactive: true,
    columns: [
      { label: "setting" },
      { label: "baseline" },
      ...["difference", "95 % interval", "d", "contexts", "p", "p (Holm)"].map((label) => ({ label, ...right })),
    ],
    rows: comparisons.map(({ setting, baseline, difference, interval, effect, pairs, p, corrected }) => [
      settingLabel(setting.axes),
      settingLabel(baseline.axes),
      signed(difference),
      `${signed(interval.low)} to ${signed(interval.high)}`,
      Number.isFinite(effect) ? signed(effect) : "all alike",
      String(pairs),
      chanceText(p),
      chanceText(corrected),
    ]),
  };
}

/** What the sweep was asked for, and what its models are. */
export function specTable({ spec, path }: SweepSource, { models }: SweepSummary): ReportTable {
  const rows = Object.entries(spec).filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  const identities = models.map(({ name, fingerprints }) => [
    `fingerprint of ${name}`,
    fingerprints.join(", ") || "none kept",
  ]);
  return { columns: [{ label: "field" }, { label: "value" }], rows: [["file", path], ...rows, ...identities] };
}
