import type { HeadAttention } from "../../lib/attention/mod.ts";
import { Random } from "../../lib/evaluation/mod.ts";
import { headOf, type Inspection, type Model } from "../../lib/model/mod.ts";
import {
  attentionMapFigure,
  entropyFigure,
  type EntropyPoint,
  type Figure,
  headGridFigure,
  scoresFigure,
  shadedTextFigure,
  spanEffectsFigure,
} from "../../lib/viz/mod.ts";
import { type AskedRun, readContext } from "./capture.ts";

/** Tokens of the question that attention maps show. */
const QUERIES = 16;
const HEAD_PICKS = 4;

/** Figures of where attention goes while the question's end is read. */
export async function attentionFigures(model: Model, run: AskedRun): Promise<Record<string, Figure>> {
  const { session, prompt, needle, questionStart, text } = run;
  const rows = Array.from({ length: QUERIES }, (_, i) => i - QUERIES);
  const inspection = await session.inspect(prompt, { rows, watch: run.asked.valueTokenIndices });
  const [layer, head] = lookingHead(inspection, needle);
  const name = `Layer ${layer}, head ${head}`;
  const last = await session.inspect(prompt, { layers: layer, heads: head, scores: true, top: HEAD_PICKS });
  const { after } = headOf(last, layer, head);
  const { scores } = headOf(last, layer, head);
  const picked = last.steps.at(-1)!.layers[0].votes.find((votes) => votes.head === head)?.picks.at(-1)?.tokens;
  // The step before the last token's own: it reads all of the question but that.
  const { layers } = inspection.steps[0];
  const seen = headOf(inspection, layer, head, 0);
  return {
    attention_map: attentionMapFigure({
      attention: seen.after,
      before: seen.before,
      needle,
      text,
      title: `${name}: attention while the question is read`,
    }),
    head_grid: headGridFigure({
      heads: layers.flatMap((own) => own.heads.map(({ after }) => after)),
      title: "All heads while the question is read",
    }),
    shaded_text: shadedTextFigure({
      positions: after.positions,
      weights: after.weights,
      text,
      needle,
      title: `${name}: what the answer's first token attends to`,
    }),
    shaded_selected: shadedTextFigure({
      ...outsideWindow(after),
      text,
      needle,
      title: `${name}: attention of the answer's first token, spans that were selected`,
    }),
    scores: scoresFigure({
      curves: [
        { name: "position-agnostic", scores: scores!.agnostic, picked },
        { name: "rotated by position", scores: scores!.rotated },
      ],
      needle,
      questionStart,
      text,
      title: `${name}: scores of the question's last token`,
    }),
    span_effects: spanEffectsFigure({
      effects: (await session.spanEffects({ prompt, answer: ` ${run.asked.value}`, random: new Random(1) })).effects,
      needle,
      text,
      title: "What the answer rests on",
    }),
    entropy: await entropy(model),
  };
}

/** One query's weights without the window's. */
function outsideWindow(
  { positions, weights, globalCount, windowStart }: HeadAttention,
): { positions: number[]; weights: number[] } {
  const columns = [...positions.keys()].filter((column) =>
    positions[column] >= globalCount && positions[column] < windowStart
  );
  return { positions: columns.map((column) => positions[column]), weights: columns.map((column) => weights[column]) };
}

/** The head that gives the needle most of its attention. */
function lookingHead({ steps }: Inspection, { start, end }: { start: number; end: number }): [number, number] {
  let best = { layer: 0, head: 0, weight: -1 };
  for (const { layer, heads } of steps[steps.length - 1].layers) {
    for (const { head, after: { positions, weights, queries } } of heads) {
      let weight = 0;
      positions.forEach((position, column) => {
        if (position < start || position >= end) return;
        weight += weights[(queries.length - 1) * positions.length + column];
      });
      if (weight > best.weight) best = { layer, head, weight };
    }
  }
  return [best.layer, best.head];
}

/** Entropy of every layer's heads at several lengths, with the whole context attended to and with a selection. */
async function entropy(model: Model): Promise<Figure> {
  const points: EntropyPoint[] = [];
  for (const length of [512, 1024, 2048, 4096, 8192]) {
    const { session, prompt } = await readContext(model, { length });
    using context = session;
    const { steps } = await context.inspect(prompt, {});
    for (const { layer, heads } of steps[steps.length - 1].layers) {
      for (const [method, which] of [["full", "before"], ["reattention-window", "after"]] as const) {
        const own = heads.map((head) => head[which]!);
        const nats = own.map((weights) => weights.entropy[0]);
        points.push({
          method,
          layer,
          length,
          attended: own[0].attended[0],
          entropy: nats.reduce((sum, value) => sum + value, 0) / nats.length,
          low: Math.min(...nats),
          high: Math.max(...nats),
        });
      }
    }
  }
  const trainedContext = model.config.trainedContext;
  return entropyFigure({
    points,
    trainedContext,
    title: "Attention entropy of the answer's first token, bars over heads",
  });
}
