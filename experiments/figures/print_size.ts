import type { Figure } from "../../lib/viz/mod.ts";

/** How wide a figure is printed, in millimetres: a column or the page of a two-column paper, or any width. */
export type PrintSize = "column" | "page" | number;

const widths = { column: 84, page: 174 };
/** Letters of 14 pixels become 7.5 points: what journals ask for in figures. */
const POINTS_PER_PIXEL = 7.5 / 14;
const POINTS_PER_MILLIMETRE = 72 / 25.4;
/** Drawings narrower than this have no room for a legend beside a title: it goes below. */
const NARROW = 700;
const LEGEND_ROW = 24;

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

/** Pixels of a title's character, and of its line. */
const TITLE_CHARACTER = 8.8;
const TITLE_ROW = 21;

/**
 * The figure as it is drawn at that width. Where it is narrow, its title breaks into lines, its axes' titles have the size of
 * the other letters, and the legend stands below, in as many rows as it needs.
 */
export function figureForPrint(figure: Figure, width: number): Figure {
  if (width >= NARROW || figure.layout.autosize === false) return figure;
  return withLegendBelow(withBrokenTitle(withSmallAxisTitles(figure), width), width);
}

function withSmallAxisTitles({ data, layout }: Figure): Figure {
  const axes = Object.entries(layout).filter(([name]) => /^[xy]axis\d*$/.test(name)).map(([name, axis]) => {
    const { title, ...rest } = axis as { title?: Record<string, unknown> };
    return [name, title ? { ...rest, title: { ...title, font: { size: 14 } } } : rest];
  });
  return { data, layout: { ...layout, ...Object.fromEntries(axes) } };
}

function withBrokenTitle({ data, layout }: Figure, width: number): Figure {
  const title = layout.title as { text?: string } | undefined;
  const margin = layout.margin as { l: number; t: number } | undefined;
  if (!title?.text || !margin) return { data, layout };
  const most = Math.max(12, Math.floor((width - margin.l - 10) / TITLE_CHARACTER));
  const lines: string[] = [];
  for (const word of title.text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  const more = (lines.length - 1) * TITLE_ROW;
  return {
    data,
    layout: {
      ...layout,
      // Plotly hangs a title by its last line: what stands above it needs room of its own.
      title: { ...title, text: lines.join("<br>"), font: { size: 16 }, pad: { t: 14 + more } },
      height: Number(layout.height ?? 450) + more,
      margin: { ...margin, t: margin.t + more },
    },
  };
}

function withLegendBelow({ data, layout }: Figure, width: number): Figure {
  const legend = layout.legend as Record<string, unknown> | undefined;
  const margin = layout.margin as { t: number; b: number } | undefined;
  const names = data.filter(({ name, showlegend }) => typeof name === "string" && showlegend !== false)
    .map(({ name }) => String(name));
  if (!margin || legend?.orientation !== "h" || layout.showlegend === false || names.length < 2) {
    return { data, layout };
  }
  const height = Number(layout.height ?? 450);
  const inner = height - margin.t - margin.b;
  const widest = Math.max(...names.map((name) => 46 + 8.3 * name.length));
  const rows = Math.ceil(names.length / Math.max(1, Math.floor((width - 40) / widest)));
  const below = rows * LEGEND_ROW + 12;
  // Above it leaves a gap, of which the title needs none.
  const above = layout.title ? LEGEND_ROW : 0;
  const placed = { ...legend, x: 0, xanchor: "left", y: -(margin.b + 6) / inner, yanchor: "top" };
  return {
    data,
    layout: {
      ...layout,
      height: height + below - above,
      legend: placed,
      margin: { ...margin, t: margin.t - above, b: margin.b + below },
    },
  };
}
