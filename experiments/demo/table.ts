import type { DemoRow } from "../../lib/evaluation/mod.ts";

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

/** The table's columns. */
export const columns: readonly DemoColumn[] = [
  { label: "length", align: "right", width: 10, cell: ({ length }) => thousands(length) },
  { label: "method", align: "left", width: 18, cell: ({ method }) => method },
  { label: "exact match", align: "right", width: 11, cell: ({ exact }) => exact.toFixed(2) },
  { label: "right", align: "right", width: 10, cell: (row) => `${correct(row)} of ${row.questions}` },
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
export function rowCells(row: DemoRow): string[] {
  return columns.map(({ cell }) => cell(row));
}

/** What has to be said below the table, a line each. */
export function tableNotes(rows: readonly DemoRow[], trainedContext: number): string[] {
  const notes = [
    "tokens/s: tokens of the contexts over the time to read them; scope: most tokens that any head attended to in a step",
  ];
  if (rows.some((row) => row.allowBeyondTrained)) {
    notes.push(
      `* run with allowBeyondTrained: may attend to more than the ${thousands(trainedContext)} tokens of the training`,
    );
  }
  if (rows.some((row) => row.method === "reattention-window")) {
    notes.push(
      "reattention-window is a variant of this toolkit, not of the paper: it reads the context with leading tokens and " +
        "window only and selects from the question on",
    );
  }
  return notes;
}
