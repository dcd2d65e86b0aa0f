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

/** Colours that stay apart for colour-blind eyes too (Okabe and Ito 2008), in the order they are given out. */
export const palette: readonly string[] = ["#d55e00", "#e69f00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#000000"];

/** What all figures share. */
export const baseLayout: Readonly<Record<string, unknown>> = {
  font: { family: "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", size: 14, color: "#1f2328" },
  paper_bgcolor: "#ffffff",
  plot_bgcolor: "#ffffff",
  hoverlabel: { align: "left", bgcolor: "#ffffff", bordercolor: "#8c959f", font: { color: "#1f2328", size: 13 } },
};

/** Plotly reads a small HTML in its labels: a token such as `<s>` must not become one. */
export function escapeLabel(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A whole number with commas between thousands, the same in every locale. */
export function grouped(number: number): string {
  return String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, ",");
}
