import type { Model } from "../../lib/model/mod.ts";
import {
  type Figure,
  needleRecallFigure,
  positionIdsFigure,
  selectedSpansFigure,
  selectionFrequencyFigure,
  selectionStepsFigure,
} from "../../lib/viz/mod.ts";
import { type AskedRun, recallPoints, selectingSteps } from "./capture.ts";

/** Figures of what one run selected. */
export async function selectionFigures(model: Model, run: AskedRun): Promise<Record<string, Figure>> {
  const steps = await selectingSteps(run, model);
  const { length, layers } = steps[steps.length - 1];
  const { needle, questionStart, text } = run;
  const marks = { needle, questionStart, text };
  return {
    selected_spans: selectedSpansFigure({ layers, length, ...marks }),
    selection_steps: selectionStepsFigure({ steps, ...marks, title: "What each step attends to" }),
    selection_frequency: selectionFrequencyFigure({
      steps,
      length,
      ...marks,
      title: "How often each position was selected",
    }),
    needle_recall: needleRecallFigure({
      points: await recallPoints(model),
      title: "Needle recall of each head, eight questions at 8,192 tokens",
    }),
    position_ids: await positionIds(model),
  };
}

/** The greatest position ids of real steps: attended tokens are renumbered without holes, or keep their own. */
async function positionIds(model: Model): Promise<Figure> {
  const points: { method: string; length: number; largest: number }[] = [];
  for (const length of [256, 512, 1024, 2048]) {
    for (const method of ["full", "streaming", "reattention"] as const) {
      using session = model.createSession({ method, trace: true, knobs: { allowBeyondTrained: method === "full" } });
      await session.append(Array.from({ length }, (_, i) => 300 + i % 1000));
      const [step] = (await session.readTrace()).slice(-1);
      const attended = Math.max(0, ...step.layers.flatMap(({ groups }) => groups.map(({ indices }) => indices.length)));
      points.push({ method, length, largest: (method === "full" ? step.length : attended) - 1 });
    }
  }
  return positionIdsFigure({
    points,
    trainedContext: model.config.trainedContext,
    title: "Position ids that attention sees",
  });
}
