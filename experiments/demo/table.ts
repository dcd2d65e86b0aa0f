import type { DemoRow } from "../../lib/evaluation/mod.ts";
import { NEEDLES, ORIGINAL_POSITIONS } from "./plan.ts";

/** A column: its heading, where its texts stand, how wide it is in a terminal, and a row's text in it. */
export interface DemoColumn {
  /** The heading. */
  label: string;
  /** Figures stand at the right. */
  align: "left" | "right";
  /** Characters; rows come one by one, so it can't depend on them. */
  width: number;
  /** A row's text. */
  cell: (row: DemoRow) => string;
}

const thousands = (number: number) => String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, ",");
const correct = ({ exact, questions }: DemoRow) => Math.round(exact * questions);

/** What was hidden and how it was asked for. */
function taskName({ variant, wording, opening }: DemoRow): string {
  const hidden = variant === "plain" ? "" : `${variant}, `;
  return `${hidden}${opening ? "value" : "whole answer"}${wording === "unseen" ? ", new wording" : ""}`;
}

/** The table's columns. */
export const columns: readonly DemoColumn[] = [
  { label: "length", align: "right", width: 10, cell: ({ length }) => thousands(length) },
  { label: "method", align: "left", width: 22, cell: ({ method }) => method },
  { label: "asked for", align: "left", width: 25, cell: taskName },
  { label: "exact match", align: "right", width: 11, cell: ({ exact }) => exact.toFixed(2) },
  {
    label: "right",
    align: "right",
    width: 16,
    cell: (row) => `${correct(row)} of ${row.questions} in ${row.haystacks}`,
  },
  {
    label: "95 % interval",
    align: "right",
    width: 13,
    cell: ({ low, high }) => `${low.toFixed(2)} to ${high.toFixed(2)}`,
  },
  { label: "tokens/s", align: "right", width: 8, cell: ({ tokensPerSecond }) => thousands(tokensPerSecond) },
  {
    label: "scope",
    align: "right",
    width: 8,
    cell: ({ scope, allowBeyondTrained }) => thousands(scope) + (allowBeyondTrained ? "*" : " "),
  },
  { label: "peak memory", align: "right", width: 11, cell: ({ peakBytes }) => `${thousands(peakBytes / 2 ** 20)} MiB` },
  { label: "time", align: "right", width: 8, cell: ({ seconds }) => `${seconds.toFixed(1)} s` },
];

const line = (cells: readonly string[]) =>
  cells.map((text, index) =>
    columns[index].align === "left" ? text.padEnd(columns[index].width) : text.padStart(columns[index].width)
  )
    .join("  ").trimEnd();

/** The table's head in a terminal: headings and a rule. */
export function tableHead(): string {
  return `${line(columns.map(({ label }) => label))}\n${columns.map(({ width }) => "-".repeat(width)).join("  ")}`;
}

/** A row in a terminal. */
export function tableLine(row: DemoRow): string {
  return line(rowCells(row));
}

/** A row's texts. */
export function rowCells(row: DemoRow, shown: readonly DemoColumn[] = columns): string[] {
  return shown.map(({ cell }) => cell(row));
}

/** The columns that tell rows apart or measure: what was asked for is left out where it is the same in all of them. */
export function telling(rows: readonly DemoRow[]): readonly DemoColumn[] {
  return columns.filter(({ cell }) => cell !== taskName || new Set(rows.map(taskName)).size > 1);
}

/** What has to be said below the table, a line each. */
export function tableNotes(rows: readonly DemoRow[], trainedContext: number): string[] {
  const some = (holds: (row: DemoRow) => boolean) => rows.some(holds);
  const notes = [
    `each context hides ${NEEDLES} needles, the same number at every length; right: answers in how many contexts; the 95 % ` +
    "interval is clustered by context, and exact over contexts where all answers agree",
    "value: the prompt ends with the answer's opening words and the value is missing; questions in five wordings in turn",
    "tokens/s: tokens of the contexts over the time to read them; scope: most tokens that any head attended to in a step",
  ];
  if (some(({ opening }) => !opening)) {
    notes.push("whole answer: the prompt ends with `Answer:`, and every word must be right");
  }
  if (some(({ wording }) => wording === "unseen")) notes.push("new wording: no question of the training was worded so");
  if (some(({ variant }) => variant.startsWith("look-alike"))) {
    notes.push(
      "look-alike: beside each needle four others, of the same name and another kind (door code, secret code) or the same " +
        "kind and half the name; look-alike-apart: the same, scattered over the context",
    );
  }
  if (some(({ variant }) => variant.startsWith("chain"))) {
    notes.push(
      "chain: `Let A = 482 913.`, elsewhere `Let B = A.`, asked for B, with every step written; chain-direct: at once",
    );
  }
  if (some((row) => row.allowBeyondTrained)) {
    notes.push(
      `* run with allowBeyondTrained: may attend to more than the ${thousands(trainedContext)} tokens of the training`,
    );
  }
  if (some(({ method }) => method === ORIGINAL_POSITIONS)) {
    notes.push(
      `${ORIGINAL_POSITIONS}: selected tokens keep their positions in the context, past those of the training`,
    );
  }
  if (some((row) => row.method === "reattention-window")) {
    notes.push(
      "reattention-window is a variant of this toolkit, not of the paper: it reads the context with leading tokens and " +
        "window only and selects from the question on",
    );
  }
  return notes;
}
