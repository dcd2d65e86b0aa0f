import { showAs } from "../notebook/mod.ts";
import type { Figure } from "./figure.ts";

/** Most bytes of a figure's JSON: more makes notebooks slow to open and hovering jerky. */
export const FIGURE_BYTES = 2_000_000;

/**
 * Bytes of a figure's JSON as UTF-8.
 *
 * @example
 * ```ts
 * import { curveFigure, figureBytes } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const series = [{ name: "a", points: [{ x: 1, y: 2 }] }];
 * const figure = curveFigure({ title: "t", xTitle: "x", yTitle: "y", series });
 * assertEquals(figureBytes(figure) > 100, true);
 * ```
 */
export function figureBytes({ data, layout }: Figure): number {
  return new TextEncoder().encode(JSON.stringify({ data, layout })).length;
}

/** The figure, which as the last value of a notebook's cell shows itself. */
export function showsItself(figure: Figure): Figure {
  return showAs(figure, "figure", () => ({ "text/plain": `figure of ${figure.data.length} traces` }));
}

/**
 * The first figure that stays under the limit, from the richest to the plainest; each is built only when those before
 * were too large.
 *
 * @throws {RangeError} where none does.
 */
export function firstThatFits(name: string, builds: Iterable<() => Figure>): Figure {
  let bytes = 0;
  for (const build of builds) {
    const figure = build();
    bytes = figureBytes(figure);
    if (bytes <= FIGURE_BYTES) return showsItself(figure);
  }
  throw new RangeError(
    `${name}: the figure takes ${bytes} bytes, more than ${FIGURE_BYTES}; give it fewer rows or shorter texts`,
  );
}
