import { escapeHtml } from "../../notebook/mod.ts";
import type { Figure } from "../figure.ts";
import { DRAW_SCRIPT } from "./page_script.ts";
import { REPORT_STYLE } from "./report_style.ts";
import { CHOICE_SCRIPT, TABLE_SCRIPT } from "./report_scripts.ts";

/** A cell: its text, or a text that leads to a place of the page. */
export type ReportCell = string | { readonly text: string; readonly target: string };

/** A table of texts. */
export interface ReportTable {
  /** Headings; columns of figures stand right-aligned. */
  readonly columns: readonly { readonly label: string; readonly align?: "left" | "right" }[];
  /** One list of cells per row, as many as there are columns. */
  readonly rows: readonly (readonly ReportCell[])[];
  /** Lets readers sort by a column and filter rows by words. Default false. */
  readonly interactive?: boolean;
  /** Words below the table. */
  readonly note?: string;
}

/** A part of the page. */
export interface ReportSection {
  /** Its heading; none where it is empty. */
  readonly heading: string;
  /** Its words; an empty line starts a new paragraph. */
  readonly text: string;
  /** Drawn below the words. */
  readonly figure?: Figure;
  /** Put below the figure. */
  readonly table?: ReportTable;
  /** Put below the table. */
  readonly choice?: ReportChoice;
}

/** Figures of which one is shown, as a reader chooses. */
export interface ReportChoice {
  /** What is chosen, such as "trial". */
  readonly label: string;
  /** The figures; a cell whose target is the figure's leads to it. */
  readonly figures: readonly { readonly name: string; readonly target: string; readonly figure: Figure }[];
}

/** A page. */
export interface Report {
  /** Heading and title of the page; no heading where it is empty. */
  readonly title: string;
  /** Words before the first section; an empty line starts a new paragraph. */
  readonly introduction: string;
  /** The parts in order. */
  readonly sections: readonly ReportSection[];
  /** The text of plotly.js (any bundle that draws the figures). */
  readonly plotlySource: string;
}

/**
 * Writes a page that holds everything it shows: it opens without network, and its policy lets it fetch nothing.
 *
 * @returns the HTML text
 * @throws {RangeError} for a table row of more or fewer cells than columns.
 *
 * @example
 * ```ts
 * import { renderReport } from "@reattention/toolkit/viz";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const page = renderReport({ title: "1 < 2", introduction: "Measured.", sections: [], plotlySource: "" });
 * assertStringIncludes(page, "<h1>1 &lt; 2</h1>");
 * ```
 */
export function renderReport({ title, introduction, sections, plotlySource }: Report): string {
  const figures = sections.map(({ figure }) => figure).filter((figure) => figure !== undefined);
  const choices = sections.map(({ choice }) => choice).filter((choice) => choice !== undefined);
  let next = 0;
  const parts = sections.map((section) => renderSection(section, section.figure ? `figure-${next++}` : undefined));
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_POLICY}">
<title>${escapeHtml(title)}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
${[heading("h1", title), paragraphs(introduction), ...parts].filter(Boolean).join("\n")}
</main>
${figures.length + choices.length > 0 ? scripts(figures, choices, plotlySource) : ""}${
    sections.some(({ table }) => table?.interactive) ? `\n<script>${TABLE_SCRIPT}</script>` : ""
  }
</body>
</html>
`;
}

/** Everything is inline; plotly puts its style rules into the page and saves pictures by blob: and data: addresses. */
const CONTENT_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:";

function heading(tag: "h1" | "h2", text: string): string {
  return text ? `<${tag}>${escapeHtml(text)}</${tag}>` : "";
}

function renderSection(section: ReportSection, id: string | undefined): string {
  const { text, figure, table, choice } = section;
  const parts = ["<section>", heading("h2", section.heading), paragraphs(text)];
  if (figure) {
    const height = Number(figure.layout.height ?? 450);
    parts.push(
      `<div class="figure" id="${id}" role="img" aria-label="${
        escapeHtml(section.heading)
      }" style="min-height:${height}px"></div>`,
    );
  }
  if (table) parts.push(renderTable(table));
  if (choice) parts.push(renderChoice(choice));
  return [...parts, "</section>"].filter(Boolean).join("\n");
}

function renderTable({ columns, rows, note, interactive }: ReportTable): string {
  const cell = (tag: string, content: ReportCell, column: number) => {
    const inside = typeof content === "string"
      ? escapeHtml(content)
      : `<a href="#${escapeHtml(content.target)}">${escapeHtml(content.text)}</a>`;
    const sortable = interactive && tag === "th" ? ' tabindex="0"' : "";
    return `<${tag}${columns[column].align === "right" ? ' class="number"' : ""}${sortable}>${inside}</${tag}>`;
  };
  const head = columns.map(({ label }, column) => cell("th", label, column)).join("");
  const body = rows.map((row, index) => {
    if (row.length !== columns.length) {
      throw new RangeError(`renderReport: table row ${index} has ${row.length} cells, not ${columns.length}`);
    }
    return `<tr>${row.map((text, column) => cell("td", text, column)).join("")}</tr>`;
  });
  const table = `<table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body.join("\n")}\n</tbody>\n</table>`;
  const filter = interactive
    ? '<div class="filter"><input type="search" placeholder="Filter rows" aria-label="Filter rows"> <span class="count"></span></div>\n'
    : "";
  return `<div class="table${interactive ? " interactive" : ""}">${filter}${table}</div>${
    note ? `\n<div class="note">${paragraphs(note)}</div>` : ""
  }`;
}

function renderChoice({ label, figures }: ReportChoice): string {
  const options = figures.map(({ name, target }) =>
    `<option value="${escapeHtml(target)}">${escapeHtml(name)}</option>`
  );
  return `<div class="choice"><label>${escapeHtml(label)} <select>${options.join("")}</select></label>
<div class="figure"></div></div>`;
}

/** One script with plotly, one that draws every figure in the page's colours. */
function scripts(figures: readonly Figure[], choices: readonly ReportChoice[], plotlySource: string): string {
  const calls = figures.map(({ data, layout }, index) =>
    `reattentionDraw(document.getElementById("figure-${index}"), ${scriptJson({ data, layout })});`
  );
  const all = choices.map(({ figures }) => Object.fromEntries(figures.map(({ target, figure }) => [target, figure])));
  const choosing = choices.length > 0 ? `\nconst choices = ${scriptJson(all)};${CHOICE_SCRIPT}` : "";
  return `<script>${scriptText(plotlySource)}</script>\n<script>${DRAW_SCRIPT}${
    calls.join("\n")
  }${choosing}\n</script>`;
}

function paragraphs(text: string): string {
  return text.split(/\n\s*\n/).map((part) => part.trim()).filter(Boolean)
    .map((part) => `<p>${escapeHtml(part)}</p>`).join("\n");
}

/** JSON that can stand in a script element: no "<" can end it. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/**
 * A script's text as it can stand in a script element: an end tag or the start of a comment in it would end or hide the rest.
 * Both stand only in strings and patterns of a working script, where the escapes mean the same.
 */
export function scriptText(source: string): string {
  return source.replace(/<\/(?=script)/gi, "<\\/").replaceAll("<!--", "\\x3c!--");
}
