import type { CompareRow } from "./rows.ts";

interface Column {
  readonly label: string;
  readonly width: number;
  readonly cell: (row: CompareRow) => string;
}

const mega = (bytes: number | null) => bytes === null ? "" : (bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 2 : 0);

const columns: readonly Column[] = [
  { label: "method", width: 32, cell: ({ method }) => method },
  { label: "length", width: 7, cell: ({ length }) => length.toLocaleString("en-US") },
  { label: "needles", width: 10, cell: ({ variant }) => variant },
  { label: "exact", width: 6, cell: ({ exact }) => exact.toFixed(2) },
  { label: "95 %", width: 10, cell: ({ low, high }) => `${low.toFixed(2)}-${high.toFixed(2)}` },
  { label: "of", width: 4, cell: ({ questions }) => `${questions}` },
  { label: "perplexity", width: 10, cell: ({ perplexity }) => perplexity === null ? "" : perplexity.toPrecision(4) },
  { label: "attended", width: 8, cell: ({ attended }) => attended === null ? "" : attended.toFixed(0) },
  { label: "kept MiB", width: 8, cell: ({ residentBytes }) => mega(residentBytes) },
  { label: "read MiB", width: 8, cell: ({ readBytes }) => mega(readBytes) },
  { label: "s/token", width: 7, cell: ({ secondsPerToken }) => secondsPerToken?.toFixed(3) ?? "" },
  { label: "peak MiB", width: 8, cell: ({ peakBytes }) => mega(peakBytes) },
];

/** Names of the columns, for a page. */
export const columnLabels: readonly { label: string; align: "left" | "right" }[] = columns.map(({ label }) => ({
  label,
  align: label === "method" || label === "needles" ? "left" : "right",
}));

/** A row's cells, for a page. */
export function rowCells(row: CompareRow): string[] {
  return columns.map(({ cell }) => cell(row));
}

/** The table's first line. */
export function tableHead(): string {
  return columns.map(({ label, width }, place) => place === 0 ? label.padEnd(width) : label.padStart(width)).join("  ");
}

/** A row of the table. */
export function tableLine(row: CompareRow): string {
  return columns.map(({ cell, width }, place) => {
    return place === 0 ? cell(row).padEnd(width) : cell(row).padStart(width);
  }).join("  ");
}

/** What a reader must know. */
export const remarks: readonly string[] = [
  "Exact match is over questions about needles hidden in prose: values that are told (plain; asked for in five wordings in turn), and " +
  'chains such as "Let B = A." with A told elsewhere. The context is the unit of evidence: the interval is clustered by it.',
  'Inside ("512") selecting and evicting methods attend to 64 tokens; beyond, to at most the 512 that the model was trained with. ' +
  "Methods that attend to everything are there for their positions.",
  "Names with -compact are variants that renumber what they attend to; without it those methods keep rotated original positions, " +
  "as published, and read prompts as published.",
  "Kept: keys, values and what the method keeps beside them that later steps can still read; this toolkit's pages hold evicted " +
  "tokens too. Only the evicting methods (h2o, snapkv) and the windows keep less than everything, so only they compare at an " +
  "equal cache. Read: keys and values that one token attends to, and what is read to choose them.",
  "Home turf: most of these methods were made for models trained with thousands of tokens, with room for many blocks and far more " +
  "heads; at 512 tokens a block of 32 is a sixteenth of all there is. What is compared here is how far ideas carry on a small " +
  "model, not how methods do where they were tuned.",
];
