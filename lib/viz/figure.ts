import { theme } from "./theme.ts";

/**
 * A plotly figure as plain data. `Plotly.newPlot(element, data, layout, config)` draws it; notebooks that know plotly's
 * type of output draw it too.
 */
export interface Figure {
  /** Plotly's traces. */
  readonly data: readonly Readonly<Record<string, unknown>>[];
  /** Plotly's layout; it sets the height, the width is that of the page. */
  readonly layout: Readonly<Record<string, unknown>>;
}

/** Marks that tell series apart where colour alone does not. */
export const symbols: readonly string[] = [
  "circle",
  "square",
  "diamond",
  "triangle-up",
  "cross",
  "x",
  "star",
  "hexagon",
];

/** What all figures share. */
export const baseLayout: Readonly<Record<string, unknown>> = {
  font: { family: "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", size: 14, color: theme.ink },
  paper_bgcolor: theme.paper,
  plot_bgcolor: theme.paper,
  hoverlabel: { align: "left", bgcolor: theme.paper, bordercolor: theme.border, font: { color: theme.ink, size: 13 } },
};

/** Plotly reads a small HTML in its labels: a token such as `<s>` must not become one. */
export function escapeLabel(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A whole number with commas between thousands, the same in every locale. */
export function grouped(number: number): string {
  return String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A number with at most `digits` digits that count, and commas between thousands. */
export function rounded(number: number, digits = 3): string {
  if (number === 0) return "0";
  if (Math.abs(number) >= 10 ** digits) return (number < 0 ? "−" : "") + grouped(Math.abs(number));
  const short = Number(number.toPrecision(digits));
  return String(short).replace("-", "−");
}

/** The title above the drawing, left-aligned with it; nothing where it is empty. */
export function titleOf(title: string): Record<string, unknown> {
  if (!title) return {};
  const text = escapeLabel(title);
  return {
    title: { text, x: 0, xref: "paper", xanchor: "left", y: 1, yref: "container", yanchor: "top", pad: { t: 14 } },
  };
}

/** Room above the drawing for the title and a legend of so many rows. */
export function topMargin(title: string, legendRows: number): number {
  return 14 + (title ? 34 : 0) + 26 * legendRows;
}

/** Rows that a legend with these names takes on a page of usual width; 0 without names. */
export function legendRows(names: readonly string[]): number {
  if (names.length === 0) return 0;
  // Plotly makes all entries of a legend that wraps as wide as the widest.
  const widest = Math.max(...names.map((name) => 46 + 8.3 * name.length));
  return Math.ceil(names.length / Math.max(1, Math.floor(880 / widest)));
}

/** A legend in rows above the drawing. */
export const rowLegend: Readonly<Record<string, unknown>> = { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" };
