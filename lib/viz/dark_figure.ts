import type { Figure } from "./figure.ts";
import { showsItself } from "./size_limit.ts";
import { darkColors } from "./theme.ts";

/** Parts of a figure that hold values and words, never colours. */
export const words: ReadonlySet<string> = new Set([
  "x",
  "y",
  "z",
  "base",
  "text",
  "hovertext",
  "customdata",
  "name",
  "ticktext",
  "tickvals",
]);

/**
 * The figure for a dark page: the same data in other colours.
 *
 * @example
 * ```ts
 * import { curveFigure, darkFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const series = [{ name: "full", points: [{ x: 512, y: 1 }] }];
 * const figure = curveFigure({ title: "", xTitle: "tokens", yTitle: "exact match", series });
 * assertEquals(darkFigure(figure).layout.paper_bgcolor, "#0d1117");
 * ```
 */
export function darkFigure(figure: Figure): Figure {
  const { data, layout } = figure;
  return showsItself({ data: data.map((trace) => darker(trace, "")), layout: darker(layout, "") });
}

function darker<T>(value: T, key: string): T {
  if (words.has(key)) return value;
  if (typeof value === "string") return (darkColors[value] ?? value) as T;
  if (Array.isArray(value)) return value.map((item) => darker(item, key)) as T;
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, darker(part, name)])) as T;
}
