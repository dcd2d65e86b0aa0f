import { jupyterDisplay } from "../../platform.ts";
import type { Figure } from "../figure.ts";
import { figureHtml, plotlyHtml } from "./notebook_html.ts";
import { readPlotlySource } from "../page/plotly_source.ts";

/** How a figure is shown in a notebook. */
export interface ShowOptions {
  /** Words for where no picture can be drawn. Default: the figure's title or its traces by name. */
  alternative?: string;
}

/** Whether this notebook's page was given plotly by an output of this kernel. */
let given = false;

/**
 * A figure as notebook output: plotly's own type, HTML that draws it where no extension knows that type, and words.
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
  const words = options.alternative ?? `figure: ${named(figure)}`;
  return {
    "application/vnd.plotly.v1+json": { data: figure.data, layout: figure.layout },
    "text/html": figureHtml(figure, words),
    "text/plain": words,
  };
}

/**
 * The bundle of a notebook's output: {@linkcode displayBundle}, with plotly itself inside where this notebook has not been
 * given it yet. Plotly comes along once (some 650 KB, compressed) and needs neither network nor an extension.
 *
 * @example Plotly comes with the first figure
 * ```ts
 * import { notebookBundle } from "@reattention/toolkit/viz";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const figure = { data: [{ name: "full" }], layout: {} };
 * const [first, second] = [await notebookBundle(figure), await notebookBundle(figure)];
 * assert(String(first["text/html"]).length > 100 * String(second["text/html"]).length);
 * assertEquals(second["text/plain"], "figure: full");
 * ```
 */
export async function notebookBundle(figure: Figure, options: ShowOptions = {}): Promise<Record<string, unknown>> {
  const bundle = displayBundle(figure, options);
  if (given) return bundle;
  given = true;
  return { ...bundle, "text/html": await plotlyHtml(await readPlotlySource()) + bundle["text/html"] };
}

function named({ data, layout }: Figure): string {
  const title = (layout.title as { text?: unknown } | undefined)?.text;
  if (typeof title === "string" && title) {
    return title.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
  }
  const names = data.map(({ name }) => name).filter((name) => typeof name === "string");
  return names.join(", ") || `${data.length} traces`;
}

/**
 * Shows a figure below the running cell of a Deno notebook. As the last value of a cell a figure shows itself; this is for
 * all others.
 *
 * @throws {PlatformError} outside a notebook.
 *
 * @example Outside a notebook there is no cell to show it below
 * ```ts
 * import { PlatformError } from "@reattention/toolkit/model";
 * import { show } from "@reattention/toolkit/viz";
 * import { assertRejects } from "@std/assert";
 *
 * const figure = { data: [{ name: "full" }], layout: {} };
 * await assertRejects(() => show(figure, { alternative: "one curve" }), PlatformError, "needs a notebook");
 * ```
 */
export async function show(figure: Figure, options: ShowOptions = {}): Promise<void> {
  await jupyterDisplay(await notebookBundle(figure, options));
  await turn();
}

/**
 * Gives this notebook's page plotly, as an output of the running cell. Call it in the first cell: figures of later cells are
 * then drawn again when the saved notebook is opened, whichever cells were run twice. Without it the first figure carries
 * plotly.
 *
 * @throws {PlatformError} outside a notebook.
 *
 * @example Outside a notebook there is no page to give it to
 * ```ts
 * import { PlatformError } from "@reattention/toolkit/model";
 * import { givePlotly } from "@reattention/toolkit/viz";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => givePlotly(), PlatformError, "needs a notebook");
 * ```
 */
export async function givePlotly(): Promise<void> {
  const html = await plotlyHtml(await readPlotlySource());
  await jupyterDisplay({ "text/html": html, "text/plain": "plotly for the figures of this notebook" });
  given = true;
  await turn();
}

/**
 * Deno's kernel evaluates cells in one thread and speaks to Jupyter in another: it may say that a cell has ended before the
 * cell's last output went out, and Jupyter drops what comes later. In raw messages an awaited figure was late in 9 of 50
 * cells on a busy machine, in none with a turn of the event loop behind it; one that brings plotly (650 KB) was late all the
 * same, so that the wait has a length.
 */
const PAUSE_MS = 50;

async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
