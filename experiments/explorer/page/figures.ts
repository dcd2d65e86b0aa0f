/// <reference lib="dom" />
import type { HeadAttention } from "../../../lib/attention/mod.ts";
import { attentionMapFigure } from "../../../lib/viz/figures/attention_map_figure.ts";
import { darkFigure } from "../../../lib/viz/dark_figure.ts";
import type { Figure } from "../../../lib/viz/figure.ts";
import { plotConfig } from "../../../lib/viz/page/page_script.ts";
import { selectedSpansFigure } from "../../../lib/viz/figures/selected_spans_figure.ts";
import { shadedTextFigure } from "../../../lib/viz/figures/shaded_text_figure.ts";
import type { TokenRange } from "../../../lib/viz/token_range.ts";
import type { Answer, WrittenStep } from "./answer.ts";
import { attentionNote, massOn, selectionNote } from "./figure_notes.ts";
import { byId } from "./form.ts";

/** plotly, a script of its own on the page. */
declare const Plotly: {
  newPlot(element: HTMLElement, data: unknown, layout: unknown, config: unknown): Promise<unknown>;
  setPlotConfig(config: unknown): void;
};

const dark = matchMedia("(prefers-color-scheme: dark)");
const drawn = new Map<HTMLElement, Figure>();

dark.addEventListener("change", () => {
  for (const [element, figure] of drawn) draw(element, figure);
});

/** Draws a figure, in the page's colours from now on. */
async function draw(element: HTMLElement, figure: Figure): Promise<void> {
  drawn.set(element, figure);
  // plotly 4 warns of every bar whose colour is a number on a scale, which it then draws as it should.
  Plotly.setPlotConfig({ logging: 0 });
  // Plotly writes into what it is given.
  const { data, layout } = dark.matches ? darkFigure(figure) : structuredClone(figure);
  await Plotly.newPlot(element, data, layout, plotConfig);
}

/** Takes the figures of an earlier answer from the page. */
export function hideFigures(): void {
  for (const id of ["selected", "attention"]) byId(id).hidden = true;
}

/** The map of what each layer attended to in a step; none where nothing was traced. */
export async function drawSpans(step: WrittenStep | undefined, needle: TokenRange | undefined): Promise<void> {
  if (!step) return;
  const { text, questionStart, layers, length } = step;
  byId("selected").hidden = false;
  byId("selectedNote").textContent = selectionNote(layers, needle);
  await draw(byId("spans"), selectedSpansFigure({ layers, length, questionStart, text, ...(needle && { needle }) }));
}

/**
 * The figures of an answer, for the token that begins its value, or the one that the reader picks.
 *
 * @param later runs what a pick asks for, behind what is running
 */
export async function drawAnswer(
  answer: Answer,
  needle: TokenRange | undefined,
  later: (act: () => Promise<void>) => void,
): Promise<void> {
  if (answer.steps.length === 0) return;
  const picked = byId<HTMLSelectElement>("step");
  picked.replaceChildren(...answer.tokens.map((text, at) => new Option(`${at + 1}: ${text.trim() || "⏎"}`, `${at}`)));
  picked.value = String(answer.telling);
  const show = async () => {
    await drawSpans(answer.steps[Number(picked.value)], needle);
    await drawAttention(answer, Number(picked.value), needle);
  };
  picked.onchange = () => later(show);
  await show();
}

/** Attention of the heads in the step that wrote a token, one head at a time as the reader picks. */
async function drawAttention(answer: Answer, token: number, needle: TokenRange | undefined): Promise<void> {
  const { steps } = await answer.inspect(token);
  const heads = steps.at(-1)!.layers.flatMap((layer) => layer.heads.map(({ after }) => after));
  byId("attention").hidden = false;
  const [layer, head] = ["layer", "head"].map((id) => byId<HTMLSelectElement>(id));
  const telling = heads.reduce((best, other) => massOn(needle, other) > massOn(needle, best) ? other : best);
  fill(layer, heads.map((one) => one.layer), telling.layer);
  fill(head, heads.map((one) => one.head), telling.head);
  const show = async () => {
    const shown = heads.find((one) => one.layer === Number(layer.value) && one.head === Number(head.value))!;
    await drawHead(shown, answer.steps[token], needle);
  };
  layer.onchange = head.onchange = show;
  await show();
}

async function drawHead(shown: HeadAttention, { text }: WrittenStep, needle: TokenRange | undefined): Promise<void> {
  const { positions, weights } = shown;
  const marked = { text, ...(needle && { needle }) };
  byId("attentionNote").textContent = attentionNote(shown, marked);
  await draw(byId("weights"), attentionMapFigure({ attention: shown, title: "", ...marked }));
  const shaded = byId("shaded");
  await draw(shaded, shadedTextFigure({ positions, weights, pixels: shaded.clientWidth, ...marked }));
}

function fill(select: HTMLSelectElement, values: readonly number[], chosen: number): void {
  select.replaceChildren(...[...new Set(values)].map((value) => new Option(String(value))));
  select.value = String(chosen);
}
