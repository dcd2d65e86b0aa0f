import { curveFigure } from "./curve_figure.ts";
import { type Figure, grouped } from "../figure.ts";
import { showsItself } from "../size_limit.ts";

/** Which positions one method's attention saw at one length. */
export interface PositionIdsPoint {
  /** Name of the method. */
  readonly method: string;
  /** Tokens in the context. */
  readonly length: number;
  /** The greatest position id that any query or key was rotated by. */
  readonly largest: number;
}

/** What to draw. */
export interface PositionIdsInput {
  /** In any order. */
  readonly points: readonly PositionIdsPoint[];
  /** Position ids in training lie below this; marked. */
  readonly trainedContext: number;
  /** Above the figure; none where it is empty. */
  readonly title?: string;
}

/**
 * The greatest position id that attention really sees, against length. It has to stay below the trained context (the paper's
 * first condition): compact positions do, positions of the whole context don't.
 *
 * @throws {RangeError} for a length or position that is no number above 0.
 *
 * @example
 * ```ts
 * import { positionIdsFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const points = [{ method: "reattention", length: 8192, largest: 511 }];
 * assertEquals(positionIdsFigure({ points, trainedContext: 512 }).data[0].y, [511]);
 * ```
 */
export function positionIdsFigure({ points, trainedContext, title = "" }: PositionIdsInput): Figure {
  const methods = [...new Set(points.map(({ method }) => method))];
  const figure = curveFigure({
    title,
    xTitle: "length of the context (tokens)",
    yTitle: "greatest position id seen",
    xScale: "log",
    yScale: "log",
    series: methods.map((method) => ({
      name: method,
      points: points.filter((point) => point.method === method).map(({ length, largest }) => ({
        x: length,
        y: largest,
        text: largest < trainedContext
          ? `inside the trained ${grouped(trainedContext)}`
          : `${grouped(largest - trainedContext + 1)} beyond the trained ${grouped(trainedContext)}`,
      })),
    })),
    chance: trainedContext,
    chanceText: "trained context",
  });
  return showsItself({ data: figure.data, layout: { ...figure.layout, showlegend: true } });
}
