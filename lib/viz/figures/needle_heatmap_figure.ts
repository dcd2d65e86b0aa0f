import { axisOf } from "../axis.ts";
import { checkFinite, checkGrid } from "../checks.ts";
import { baseLayout, type Figure, grouped, titleOf, topMargin } from "../figure.ts";
import { gridHeight, heatmapTrace, labelled, numbersTrace } from "./grid_figure.ts";
import { firstThatFits } from "../size_limit.ts";
import { theme } from "../theme.ts";

/** What to draw. */
export interface NeedleHeatmapInput {
  /** Above the figure; none where it is empty. */
  readonly title: string;
  /** Tokens per context, left to right. */
  readonly lengths: readonly number[];
  /** Where the needle stands, 0 (the context's start) to 1 (its end), top to bottom. */
  readonly depths: readonly number[];
  /** Share of right answers, 0 to 1: one row per depth, one value per length; null where nothing was asked. */
  readonly values: readonly (readonly (number | null)[])[];
  /** Questions asked per cell, for the hover text. */
  readonly questions?: number | readonly (readonly (number | null)[])[];
}

const NAME = "needleHeatmapFigure";

/**
 * Needles found: lengths across, the needle's depth down, in colours from none right (dark blue) to all right (yellow)
 * that colour-blind eyes can tell apart.
 *
 * @throws {RangeError} where the values don't match lengths and depths, or are no shares.
 *
 * @example
 * ```ts
 * import { needleHeatmapFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const figure = needleHeatmapFigure({
 *   title: "reattention",
 *   lengths: [512, 8192],
 *   depths: [0, 0.5, 1],
 *   values: [[1, 1], [1, 0.75], [1, null]],
 *   questions: 8,
 * });
 * assertEquals(figure.layout.height, 250);
 * ```
 */
export function needleHeatmapFigure(input: NeedleHeatmapInput): Figure {
  const { lengths, depths, values, questions } = input;
  const rows = { name: "depths", count: depths.length };
  const columns = { name: "lengths", count: lengths.length };
  checkGrid(NAME, values, rows, columns);
  if (questions && typeof questions !== "number") checkGrid(`${NAME} (questions)`, questions, rows, columns);
  depths.forEach((depth, index) => checkShare(`depth ${index}`, depth));
  values.forEach((row, y) => row.forEach((value, x) => value !== null && checkShare(`value ${x} of row ${y}`, value)));
  return firstThatFits(NAME, [() => build(input)]);
}

function checkShare(what: string, value: number): void {
  checkFinite(NAME, what, value);
  if (value < 0 || value > 1) throw new RangeError(`${NAME}: ${what} is ${value}; it must be a share from 0 to 1`);
}

function build({ title, lengths, depths, values, questions }: NeedleHeatmapInput): Figure {
  const hover = values.map((row, y) =>
    row.map((value, x) => {
      const place = `${grouped(lengths[x])} tokens, needle at ${percent(depths[y])} of the context`;
      const asked = typeof questions === "number" ? questions : questions?.[y][x];
      const of = asked === undefined || asked === null ? "" : ` of ${grouped(asked)} questions`;
      return `${place}<br><b>${value === null ? "not asked" : `${percent(value)} right${of}`}</b>`;
    })
  );
  const lengthAxis = labelled(lengths.map(grouped), 16);
  const depthAxis = labelled(depths.map(percent), 24);
  return {
    data: [
      heatmapTrace({
        values,
        hover,
        range: [0, 1],
        colorTitle: "right answers (share)",
      }),
      ...(lengths.length * depths.length <= 200 ? [numbersTrace(values, [0, 1])] : []),
    ],
    layout: {
      ...baseLayout,
      ...titleOf(title),
      plot_bgcolor: theme.grid,
      height: gridHeight(depths.length, title),
      margin: { l: 70, r: 20, t: topMargin(title, 0), b: 60 },
      xaxis: axisOf("length of the context (tokens)", lengthAxis),
      yaxis: axisOf("depth of the needle", { ...depthAxis, range: [depths.length - 0.5, -0.5] }),
    },
  };
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`;
}
