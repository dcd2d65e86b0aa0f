import { jupyterDisplay } from "../platform.ts";
import { escapeHtml, renderReport } from "./report.ts";
import type { Figure } from "./figure.ts";

/** How a figure is shown in a notebook. */
export interface ShowOptions {
  /** Words for where no picture can be drawn. Default: the figure's traces by name. */
  alternative?: string;
  /** The text of plotly.js: the cell then holds a whole page, for notebooks that don't know plotly's type of output. */
  plotlySource?: string;
}

/**
 * A figure as notebook output: plotly's own type, words, and a page where plotly's text is given.
 *
 * @example
 * ```ts
 * import { displayBundle } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(displayBundle({ data: [{ name: "full" }], layout: {} })["text/plain"], "figure: full");
 * ```
 */
export function displayBundle(figure: Figure, options: ShowOptions = {}): Record<string, unknown> {
  const names = figure.data.map(({ name }) => name).filter((name) => typeof name === "string");
  const bundle: Record<string, unknown> = {
    "application/vnd.plotly.v1+json": { data: figure.data, layout: figure.layout },
    "text/plain": options.alternative ?? `figure: ${names.join(", ") || `${figure.data.length} traces`}`,
  };
  if (options.plotlySource !== undefined) bundle["text/html"] = framed(figure, options.plotlySource);
  return bundle;
}

/** The figure in a frame of its own: a notebook's page keeps its own scripts and style. */
function framed(figure: Figure, plotlySource: string): string {
  const page = renderReport({
    title: "",
    introduction: "",
    sections: [{ heading: "", text: "", figure }],
    plotlySource,
  });
  const height = Number(figure.layout.height ?? 450) + 40;
  return `<iframe srcdoc="${escapeHtml(page)}" style="width:100%;height:${height}px;border:0"></iframe>`;
}

/**
 * Shows a figure below the running cell of a Deno notebook.
 *
 * @throws {PlatformError} outside a notebook.
 */
export async function show(figure: Figure, options: ShowOptions = {}): Promise<void> {
  await jupyterDisplay(displayBundle(figure, options));
  // The kernel may say that the cell has ended before its last output went out: one turn of the event loop lets it go.
  await new Promise((resolve) => setTimeout(resolve, 0));
}
