import type { DisplayBundle } from "../../notebook/mod.ts";
import { showWithPictures } from "../../notebook/mod.ts";
import { accuracyFigure, type AccuracyPoint } from "../figures/accuracy_figure.ts";
import { notebookBundle } from "./display.ts";
import type { Figure } from "../figure.ts";
import { type AttendedStep, selectionStepsFigure } from "../figures/selection_steps_figure.ts";

/** Words and table stay; the figure comes below them. */
async function below(told: DisplayBundle, figure: Figure): Promise<DisplayBundle> {
  const drawn = await notebookBundle(figure, { alternative: String(told["text/plain"]) });
  return { ...drawn, "text/html": `${told["text/html"] ?? ""}${drawn["text/html"]}` };
}

// With lib/viz loaded, figures draw themselves, and values that lower layers tell in tables get a picture.
showWithPictures("figure", (figure) => notebookBundle(figure as Figure));
showWithPictures("needles", (rows, told) => below(told, accuracyFigure(rows as AccuracyPoint[])));
showWithPictures("trace", (value, told) => {
  const steps = (value as AttendedStep[]).filter(({ layers }) => layers.length > 0);
  return steps.length === 0 ? told : below(told, selectionStepsFigure({ steps }));
});
