import type { Figure } from "../figure.ts";
import { DRAW_SCRIPT } from "../page/page_script.ts";
import { escapeHtml } from "../../notebook/mod.ts";
import { scriptJson } from "../page/report.ts";

/** Seconds that a figure waits for plotly, in case the cell that carries it is drawn later. */
const PATIENCE = 60;

/**
 * HTML that gives a notebook's page plotly, compressed, without network. Of several such outputs only the first one drawn does
 * anything.
 *
 * @param source the text of plotly.js
 */
export async function plotlyHtml(source: string): Promise<string> {
  const packed = await gzipBase64(source);
  // A page with a module loader (RequireJS in exported notebooks) would catch plotly: those names are hidden from it.
  return `<script type="text/javascript">${DRAW_SCRIPT}
globalThis.reattentionPlotly ??= (async () => {
if (globalThis.Plotly) return;
const bytes = Uint8Array.from(atob("${packed}"), (character) => character.charCodeAt(0));
const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
const script = document.createElement("script");
script.textContent = "(function (define, module, exports) {" + await new Response(stream).text() + "\\n}).call(globalThis);";
document.head.append(script);
})();
</script>`;
}

/**
 * A figure as HTML for a page that has plotly or gets it soon. Where that doesn't come, words say what to do.
 *
 * @param words what the figure is, for those who can't see it
 */
export function figureHtml(figure: Figure, words: string): string {
  const id = `reattention-${crypto.randomUUID()}`;
  const height = Number(figure.layout.height ?? 450);
  const missing =
    "No figure: plotly is not in this page. Run the notebook's first cell that shows a figure, or all cells.";
  return `<div id="${id}" role="img" aria-label="${escapeHtml(words)}" style="min-height:${height}px;width:100%"></div>
<script type="text/javascript">(async () => {
const element = document.getElementById("${id}");
const figure = ${scriptJson({ data: figure.data, layout: figure.layout })};
for (let waited = 0; !(globalThis.Plotly && globalThis.reattentionDraw); waited++) {
  if (waited > ${PATIENCE * 10}) { element.textContent = ${JSON.stringify(missing)}; return; }
  await new Promise((resolve) => setTimeout(resolve, 100));
}
await reattentionDraw(element, figure);
})();</script>`;
}

async function gzipBase64(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let binary = "";
  for (let start = 0; start < bytes.length; start += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return btoa(binary);
}
