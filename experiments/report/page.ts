import {
  baselinesOf,
  type Environment,
  settingLabel,
  summarizeSweep,
  type SweepSummary,
} from "../../lib/evaluation/mod.ts";
import { renderReport, type ReportSection, type ReportTable, selectedSpansFigure } from "../../lib/viz/mod.ts";
import { sweepFigures } from "./figures.ts";
import type { SweepSource } from "./sources.ts";
import { comparisonsTable, right, settingsTable, specTable } from "./tables.ts";

/** Trials that are listed one by one. */
const LISTED = 2000;
/** Traces that go into a page. */
const MOST_TRACES = 200;

/** What is said of settings of several models. */
const POOLED =
  "Each model counts alike. A context that several models read counts once, so intervals tell what other contexts would " +
  "give with these models; how far models differ is told by the settings of each.";

/** A sweep and what it came to. */
export interface ReportedSweep {
  /** As it lies in the file. */
  readonly source: SweepSource;
  /** Summed up. */
  readonly summary: SweepSummary;
}

/** Sums a source up. */
export function reported(source: SweepSource): ReportedSweep {
  return { source, summary: summarizeSweep(source.spec, source.records) };
}

/** The page of one or more sweeps. */
export function sweepPage(sweeps: readonly ReportedSweep[], plotlySource: string): string {
  const one = sweeps.length === 1;
  const trials = sweeps.reduce((sum, { summary }) => sum + summary.trials, 0);
  return renderReport({
    title: one ? `Sweep: ${sweeps[0].source.spec.name}` : `${sweeps.length} sweeps`,
    introduction:
      `${trials} trials. A trial is one setting on one context; settings of a sweep see the same contexts. Scores ` +
      "are means over all questions. 95 % intervals are by the bootstrap over contexts, since questions about one context are " +
      "not independent, and exact (Clopper and Pearson, a context counting once) where all answers agree. Settings are " +
      "compared with the baseline on the same contexts, by sign flips of the contexts' differences; p (Holm) is corrected for " +
      "the number of comparisons in the sweep. d is the mean difference over its standard deviation between contexts.",
    sections: [...(one ? [] : [overview(sweeps)]), ...sweeps.flatMap((sweep) => sections(sweep, one))],
    plotlySource,
  });
}

function overview(sweeps: readonly ReportedSweep[]): ReportSection {
  const rows = sweeps.map(({ source: { spec }, summary }) => {
    const { settings, comparisons } = summary.pooled ?? summary;
    const { uninformative } = summary;
    const scores = settings.map(({ score }) => score);
    const [baseline] = baselinesOf(spec, settings);
    const found = comparisons.filter(({ corrected }) => corrected < 0.05).length;
    return [
      spec.name,
      settings.length.toString(),
      baseline ? baseline.score.toFixed(2) : "none",
      `${Math.min(...scores).toFixed(2)} to ${Math.max(...scores).toFixed(2)}`,
      uninformative ? "uninformative" : `${found} of ${comparisons.length}`,
    ];
  });
  const right = { align: "right" } as const;
  const columns = [
    { label: "sweep" },
    { label: "settings", ...right },
    { label: "baseline", ...right },
    { label: "scores", ...right },
    { label: "differ from the baseline (p < 0.05, Holm)" },
  ];
  return { heading: "", text: "", table: { columns, rows, interactive: true } };
}

function sections({ source, summary }: ReportedSweep, alone: boolean): ReportSection[] {
  const { spec } = source;
  const head = (heading: string) => alone ? heading : `${spec.name}: ${heading}`;
  const words = [spec.description, state(source, summary)];
  if (summary.uninformative) words.push(`UNINFORMATIVE: ${summary.uninformative}.`);
  for (const { axes, error } of summary.failedSettings) words.push(`${settingLabel(axes)} failed: ${error}`);
  for (const { name, fingerprints } of summary.models.filter(({ fingerprints }) => fingerprints.length > 1)) {
    words.push(
      `NOT ONE MODEL: the files of ${name} changed while the sweep ran (fingerprints ${fingerprints.join(", ")}); ` +
        "its trials should not be taken together.",
    );
  }
  const { pooled } = summary;
  return [
    ...(pooled
      ? [{ heading: head("all models together"), text: POOLED, table: settingsTable(summary, pooled.settings) }]
      : []),
    ...(pooled && pooled.comparisons.length > 0
      ? [{
        heading: head("all models together, against the baseline"),
        text: "",
        table: comparisonsTable(pooled.comparisons),
      }]
      : []),
    {
      heading: head("settings"),
      text: words.filter(Boolean).join("\n\n"),
      table: settingsTable(summary, summary.settings),
    },
    ...sweepFigures(summary).map(({ heading, ...rest }) => ({ heading: head(heading), ...rest })),
    ...(summary.comparisons.length > 0
      ? [{ heading: head("against the baseline"), text: "", table: comparisonsTable(summary.comparisons) }]
      : []),
    trialsSection(source, head("trials")),
    {
      heading: head("spec and environment"),
      text: summary.environments.map(environmentText).join("\n\n"),
      table: specTable(source, summary),
    },
  ];
}

function state({ missing, others }: SweepSource, { trials, readings, saved }: SweepSummary): string {
  const each = (trials / readings).toFixed(1);
  const shared = trials === readings
    ? ""
    : ` from ${readings} readings of contexts (${each} trials each; alone they would take ${
      saved.toFixed(1)
    } times as long)`;
  const parts = [`${trials} trials${shared}`];
  if (missing > 0) parts.push(`${missing} still to run`);
  if (others > 0) parts.push(`${others} of earlier specs in the file left out`);
  return `${parts.join("; ")}.`;
}

function trialsSection({ records, traces }: SweepSource, heading: string): ReportSection {
  const traced = records.filter(({ trial }) => traces.has(trial.id)).slice(0, MOST_TRACES);
  const drawn = new Set(traced.map(({ trial }) => trial.id));
  const table: ReportTable = {
    interactive: true,
    columns: [
      { label: "setting" },
      { label: "seed", ...right },
      { label: "score", ...right },
      { label: "selection" },
      { label: "error" },
    ],
    rows: records.slice(0, LISTED).map(({ trial, result, error }) => [
      settingLabel(trial.axes),
      String(trial.seed),
      result ? result.score.toFixed(3) : "failed",
      drawn.has(trial.id) ? { text: "drawn below", target: `selection-${trial.id}` } : "",
      error ?? "",
    ]),
    ...(records.length > LISTED &&
      { note: `The first ${LISTED} of ${records.length} trials; --jsonl writes all of them.` }),
  };
  if (traced.length === 0) return { heading, text: "", table };
  const figures = traced.map(({ trial }) => {
    const { layers, length, questionStart } = traces.get(trial.id)!;
    return {
      name: `${settingLabel(trial.axes)}, seed ${trial.seed}`,
      target: `selection-${trial.id}`,
      figure: selectedSpansFigure({ layers, length, questionStart }),
    };
  });
  return {
    heading,
    text: "",
    table,
    choice: { label: "What the layers attended to for the first question of", figures },
  };
}

function environmentText({ adapter, software, cpu, os, deno, toolkit, commit }: Environment): string {
  return `Run on ${adapter}${software ? " (software)" : ""}, ${cpu}, ${os}, Deno ${deno}, toolkit ${toolkit}` +
    `${commit ? ` at ${commit}${commit.endsWith("+") ? " (with changes)" : ""}` : ""}.`;
}
