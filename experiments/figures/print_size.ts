import type { Figure } from "../../lib/viz/mod.ts";

/** How wide a figure is printed, in millimetres: a column or the page of a two-column paper, or any width. */
export type PrintSize = "column" | "page" | number;

const widths = { column: 84, page: 174 };
/** Letters of 14 pixels become 7.5 points: what journals ask for in figures. */
const POINTS_PER_PIXEL = 7.5 / 14;
const POINTS_PER_MILLIMETRE = 72 / 25.4;

/** Size of a figure on the page that is drawn, and on paper. */
export interface DrawnSize {
  /** CSS pixels that plotly draws. */
  readonly pixels: { readonly width: number; readonly height: number };
  /** Points (1/72 inch) on paper. */
  readonly points: { readonly width: number; readonly height: number };
}

/** How large a figure is drawn so that its letters are of readable size on paper. A figure of fixed width keeps its shape. */
export function figureInMillimetres({ layout }: Figure, size: PrintSize): DrawnSize {
  const width = (typeof size === "number" ? size : widths[size]) * POINTS_PER_MILLIMETRE;
  const fixed = layout.autosize === false && typeof layout.width === "number" ? layout.width : undefined;
  const pixels = { width: Math.round(fixed ?? width / POINTS_PER_PIXEL), height: Number(layout.height ?? 450) };
  const factor = width / pixels.width;
  const rounded = (value: number) => Number(value.toFixed(2));
  return { pixels, points: { width: rounded(width), height: rounded(pixels.height * factor) } };
}
