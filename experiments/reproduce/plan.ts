import { novelsText, textTable } from "../../lib/evaluation/mod.ts";
import { duration } from "../ablate/sweep_progress.ts";
import type { EvaluateArguments } from "../evaluate/arguments.ts";
import type { EvaluateOn } from "../evaluate/evaluate_on.ts";
import type { PlannedTask } from "../evaluate/questions.ts";
import { type Cost, probe, readingSeconds, tokensToProbe } from "./probe.ts";
import type { PaperColumn, PaperSettings } from "./settings.ts";
import { type Workload, workloadOf } from "./workload.ts";

/** What a plan is made of. */
export interface PlanOptions {
  readonly asked: EvaluateArguments;
  readonly settings: PaperSettings;
  readonly tasks: readonly PlannedTask[];
  /** Tokens that the estimate reads; 0: no estimate. */
  readonly probe?: number;
}

const MIB = 2 ** 20;

/** What will be run, by which settings, and what it takes: as text. */
export async function describePlan(
  { asked, settings, tasks, probe: wanted }: PlanOptions,
  on: EvaluateOn,
): Promise<string> {
  const { model } = on;
  const workload = await workloadOf(tasks, asked, model);
  const lines = [
    `${asked.benchmark} of ${asked.model}, as the ReAttention paper (arXiv 2407.15176) ran it`,
    `settings: ${settings.source}`,
    "",
    settingsTable(settings.columns),
    "",
    `${count(workload.tasks, "task")}, ${count(workload.questions, "question")} by each of ${
      count(settings.columns.length, "column")
    }; prompts of ${
      Math.round(promptTokens(workload, Infinity) / 1000).toLocaleString("en-US")
    } thousand tokens before they are cut`,
  ];
  if (wanted === 0) return lines.join("\n");
  const costs = await costsOf(settings.columns, workload, wanted, on);
  on.progress.clear();
  const weights = model.decoder.device.memory.liveBytes;
  return [
    ...lines,
    "",
    costTable(settings.columns, workload, costs, weights),
    "",
    `Estimated on ${model.decoder.device.info.name} from ${
      [...new Set(costs.map(({ measured }) => measured.toLocaleString("en-US")))].join(" and ")
    } tokens, every answer at its longest. Memory: weights and the longest context.`,
  ].join("\n");
}

function count(number: number, what: string): string {
  return `${number.toLocaleString("en-US")} ${what}${number === 1 ? "" : "s"}`;
}

function settingsTable(columns: readonly PaperColumn[]): string {
  const rows = columns.map(({ name, method, maxLength, knobs: { own, ...knobs } }) => [
    name,
    method,
    maxLength?.toLocaleString("en-US") ?? "as made",
    Object.entries({ ...knobs, ...own }).map(([knob, value]) => `${knob} ${value}`).join(", "),
  ]);
  return textTable(["column", "method", "tokens at most", "knobs"], rows);
}

async function costsOf(
  columns: readonly PaperColumn[],
  workload: Workload,
  wanted: number | undefined,
  on: EvaluateOn,
): Promise<Cost[]> {
  const text = await novelsText();
  const costs: Cost[] = [];
  const known = new Map<string, Cost>();
  for (const column of columns) {
    const longest = longestPrompt(workload, column);
    const tokens = Math.max(2, Math.min(longest, wanted ?? tokensToProbe(column, longest)));
    // Columns that differ in the cut alone cost the same a token.
    const key = JSON.stringify([column.method, column.knobs, tokens]);
    const cost = known.get(key) ?? await probe(column, textTokens(text, tokens, on), on);
    known.set(key, cost);
    costs.push(cost);
  }
  return costs;
}

function textTokens(text: string, tokens: number, { model }: EvaluateOn): number[] {
  const read = model.tokenizer.encode(text.slice(0, 16 * tokens));
  return Array.from({ length: tokens }, (_, index) => read[index % read.length]);
}

const cut = (tokens: number, { maxLength = Infinity }: Pick<PaperColumn, "maxLength">) => Math.min(tokens, maxLength);

function longestPrompt({ groups }: Workload, column: PaperColumn): number {
  return cut(groups.reduce((most, { tokens }) => Math.max(most, tokens), 0), column);
}

function promptTokens({ groups }: Workload, maxLength: number): number {
  return groups.reduce((sum, { prompts, tokens }) => sum + prompts * cut(tokens, { maxLength }), 0);
}

function costTable(
  columns: readonly PaperColumn[],
  workload: Workload,
  costs: readonly Cost[],
  weights: number,
): string {
  const totals = { read: 0, write: 0 };
  const rows = columns.map((column, index) => {
    const cost = costs[index];
    const sum = (seconds: (group: Workload["groups"][number]) => number) =>
      workload.groups.reduce((all, group) => all + group.prompts * seconds(group), 0);
    const read = sum(({ tokens }) => readingSeconds(cost, cut(tokens, column)));
    const write = sum(({ maxTokens }) => maxTokens * cost.answer);
    totals.read += read;
    totals.write += write;
    const thousands = Math.round(promptTokens(workload, column.maxLength ?? Infinity) / 1000);
    const bytes = weights + cost.bytes * longestPrompt(workload, column);
    return [
      column.name,
      thousands.toLocaleString("en-US"),
      duration(read),
      duration(write),
      `${Math.round(bytes / MIB).toLocaleString("en-US")} MiB`,
    ];
  });
  const all = ["all", "", duration(totals.read), duration(totals.write), ""];
  return textTable(["column", "thousand tokens", "reading", "answering, at most", "memory"], [...rows, all]);
}
