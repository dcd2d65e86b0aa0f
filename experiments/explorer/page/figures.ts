/// <reference lib="dom" />
import type { HeadAttention } from "../../../lib/attention/mod.ts";
import { attentionMapFigure } from "../../../lib/viz/attention_map_figure.ts";
import { darkFigure } from "../../../lib/viz/dark_figure.ts";
import type { Figure } from "../../../lib/viz/figure.ts";
import { plotConfig } from "../../../lib/viz/page_script.ts";
import { selectedSpansFigure } from "../../../lib/viz/selected_spans_figure.ts";
import { shadedTextFigure } from "../../../lib/viz/shaded_text_figure.ts";
import type { TokenRange } from "../../../lib/viz/token_range.ts";
import type { Answer } from "./answer.ts";
import { byId } from "./form.ts";

/** plotly, a script of its own on the page. */
declare const Plotly: {
  newPlot(element: HTMLElement, data: unknown, layout: unknown, config: unknown): Promise<unknown>;
};

const dark = matchMedia("(prefers-color-scheme: dark)");
const drawn = new Map<HTMLElement, Figure>();

dark.addEventListener("change", () => {
  for (const [element, figure] of drawn) draw(element, figure);
});

/** Draws a figure, in the page's colours from now on. */
async function draw(element: HTMLElement, figure: Figure): Promise<void> {
  drawn.set(element, figure);
  // Plotly writes into what it is given.
  const { data, layout } = dark.matches ? darkFigure(figure) : structuredClone(figure);
  await Plotly.newPlot(element, data, layout, plotConfig);
}

/** The map of what each layer attended to; hidden where nothing was traced. */
export async function drawSpans(answer: Answer | undefined, needle: TokenRange | undefined): Promise<void> {
  byId("selected").hidden = !answer?.step;
  if (!answer?.step) return;
  const { text, questionStart, step: { layers, length } } = answer;
  await draw(byId("spans"), selectedSpansFigure({ layers, length, questionStart, text, ...(needle && { needle }) }));
}

/** Attention of the heads at that step, one head at a time as the reader picks; a method that lists no tokens has none. */
export async function drawAttention(answer: Answer | undefined, needle: TokenRange | undefined): Promise<void> {
  const section = byId("attention");
  section.hidden = true;
  if (!answer?.step) return;
  const { steps } = await answer.inspect();
  const heads = steps.at(-1)!.layers.flatMap((layer) => layer.heads.map(({ after }) => after));
  section.hidden = false;
  const [layer, head] = ["layer", "head"].map((id) => byId<HTMLSelectElement>(id));
  const telling = heads.reduce((best, other) => mass(other, needle) > mass(best, needle) ? other : best);
  fill(layer, heads.map((one) => one.layer), telling.layer);
  fill(head, heads.map((one) => one.head), telling.head);
  const show = async () => {
    const after = heads.find((one) => one.layer === Number(layer.value) && one.head === Number(head.value))!;
    const { text } = answer;
    await draw(byId("weights"), attentionMapFigure({ attention: after, text, ...(needle && { needle }) }));
    const { positions, weights } = after;
    await draw(byId("shaded"), shadedTextFigure({ positions, weights, text, ...(needle && { needle }) }));
  };
  layer.onchange = head.onchange = show;
  await show();
}

/** A head's weight on the needle; without one, its greatest weight. */
function mass({ positions, weights }: HeadAttention, needle: TokenRange | undefined): number {
  if (!needle) return Math.max(...weights);
  return weights.reduce((sum, weight, at) => {
    return positions[at] >= needle.start && positions[at] < needle.end ? sum + weight : sum;
  }, 0);
}

function fill(select: HTMLSelectElement, values: readonly number[], chosen: number): void {
  select.replaceChildren(...[...new Set(values)].map((value) => new Option(String(value))));
  select.value = String(chosen);
}
