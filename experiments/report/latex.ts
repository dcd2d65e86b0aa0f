import type { SettingComparison, SettingSummary, SweepSpec, SweepSummary } from "../../lib/evaluation/mod.ts";
import { chanceText } from "./words.ts";

/** Characters that mean something to LaTeX, as they are printed. */
function escapeLatex(text: string): string {
  const named: Record<string, string> = {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
  };
  return text.replace(/[\\~^&%$#_{}]/g, (character) => named[character] ?? `\\${character}`);
}

/** A table of a sweep for papers: booktabs rules, intervals, and chances corrected by Holm's method. */
export function latexTable({ spec, metric, settings, comparisons, pooled, uninformative }: SweepSummary): string {
  const names = Object.keys(settings[0].axes);
  const head = [
    ...names.map((name) => name.replace(/^task\./, "")),
    metric,
    "95\\,\\% interval",
    "difference",
    "$p$ (Holm)",
  ];
  const row = (setting: SettingSummary, all: readonly SettingComparison[]) => {
    const comparison = all.find((one) => one.setting === setting);
    return [
      ...names.map((name) => escapeLatex(String(setting.axes[name] ?? "all"))),
      setting.score.toFixed(2),
      `[${setting.interval.low.toFixed(2)}, ${setting.interval.high.toFixed(2)}]`,
      comparison ? signed(comparison.difference) : "--",
      comparison ? chanceText(comparison.corrected).replace("<", "$<$") : "--",
    ];
  };
  const rows = settings.map((setting) => row(setting, comparisons));
  const pooledRows = pooled?.settings.map((setting) => row(setting, pooled.comparisons)) ?? [];
  const line = (cells: readonly string[]) => `${cells.join(" & ")} \\\\`;
  return [
    "% \\usepackage{booktabs}",
    "\\begin{table}",
    "  \\centering",
    `  \\caption{${caption(settings[0], spec, settings, uninformative)}}`,
    `  \\begin{tabular}{${"l".repeat(names.length)}rrrr}`,
    "    \\toprule",
    `    ${line(head.map((text, index) => index < names.length ? escapeLatex(text) : text))}`,
    "    \\midrule",
    ...rows.map((row) => `    ${line(row)}`),
    ...(pooledRows.length > 0 ? ["    \\midrule", ...pooledRows.map((row) => `    ${line(row)}`)] : []),
    "    \\bottomrule",
    "  \\end{tabular}",
    "\\end{table}",
    "",
  ].join("\n");
}

function signed(number: number): string {
  const text = Math.abs(number).toFixed(2);
  return Number(text) === 0 ? "0.00" : number < 0 ? `$-$${text}` : `+${text}`;
}

function caption(
  { trial }: SettingSummary,
  { name, models }: SweepSpec,
  settings: readonly SettingSummary[],
  uninformative: string | undefined,
): string {
  const contexts = Math.min(...settings.map(({ scores }) => scores.size));
  const questions = Math.min(...settings.map(({ questions }) => questions));
  const words =
    `${name}: ${models.length > 1 ? "models" : "model"} ${
      models.join(", ")
    }, task ${trial.task}, ${trial.length} tokens; at least ${questions} questions in ` +
    `${contexts} contexts a setting; intervals by the bootstrap over contexts, exact where all answers agree.` +
    (models.length > 1 ? " All models together: a context that each of them read counts once." : "") +
    (uninformative ? ` Uninformative: ${uninformative}.` : "");
  return escapeLatex(words);
}
