import type { DisplayBundle } from "./show_as.ts";

/** A value as words and a table. */
export interface ValueTable {
  /** What it is, in one line. */
  readonly title: string;
  /** Headings of the columns; numbers stand right-aligned. */
  readonly columns?: readonly string[];
  /** Cells, row by row. */
  readonly rows: readonly (readonly string[])[];
  /** Rows that stand out, by index. */
  readonly marked?: ReadonlySet<number>;
  /** A small picture beside the title, as SVG. */
  readonly picture?: string;
  /** Words below the table. */
  readonly note?: string;
}

/** Text as it stands in HTML, also inside an attribute in double quotes. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

const isNumber = (text: string) => /^[−-]?[\d,.]+(e[+-]?\d+)?( ?%| [a-zA-Z]+)?$/.test(text);

/** The table as text and as HTML in the notebook's own colours, light or dark. */
export function valueBundle(table: ValueTable): DisplayBundle {
  return { "text/plain": asText(table), "text/html": asHtml(table) };
}

function asText({ title, columns = [], rows, marked, note }: ValueTable): string {
  const lines = columns.length > 0 ? [columns, ...rows] : rows;
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[], index: number) =>
    row.map((cell, column) => isNumber(cell) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])).join("  ")
      .trimEnd() + (marked?.has(index) ? "  *" : "");
  const head = columns.length > 0
    ? [columns.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd()]
    : [];
  return [title, ...head, ...rows.map(line), ...(note ? [note] : [])].join("\n");
}

function asHtml({ title, columns = [], rows, marked, picture = "", note }: ValueTable): string {
  const cell = (tag: string, text: string) =>
    `<${tag} style="text-align:${isNumber(text) ? "right" : "left"};padding:2px 10px">${escapeHtml(text)}</${tag}>`;
  const head = columns.length > 0 ? `<thead><tr>${columns.map((text) => cell("th", text)).join("")}</tr></thead>` : "";
  const body = rows.map((row, index) => {
    const strong = marked?.has(index) ? ' style="font-weight:bold"' : "";
    return `<tr${strong}>${row.map((text) => cell("td", text)).join("")}</tr>`;
  });
  const words = note ? `<div style="opacity:0.75;font-size:90%">${escapeHtml(note)}</div>` : "";
  return `<div><div><b>${escapeHtml(title)}</b> ${picture}</div>` +
    `<table style="font-variant-numeric:tabular-nums">${head}<tbody>${body.join("")}</tbody></table>${words}</div>`;
}
