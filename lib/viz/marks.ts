import { theme } from "./theme.ts";
import type { TokenRange } from "./token_range.ts";

/** Colours of what stands in a context, the same in every figure. */
export const markColors = { global: theme.border, window: "#0072b2", selected: "#d55e00", needle: "#009e73" } as const;

/** The needle as a green stretch over the whole height of a picture. */
export function needleShape({ start, end }: TokenRange, axis = ""): Record<string, unknown> {
  return {
    type: "rect",
    xref: `x${axis}`,
    yref: `y${axis} domain`,
    x0: start,
    x1: end,
    y0: 0,
    y1: 1,
    line: { color: markColors.needle, width: 1.5 },
    fillcolor: markColors.needle,
    opacity: 0.35,
  };
}

/** Words above a picture with an arrow to a token; they stay inside at the picture's ends. */
export function arrowTo(
  x: number,
  text: string,
  color: string,
  range: readonly [number, number],
  axis = "",
): Record<string, unknown> {
  const share = (x - range[0]) / (range[1] - range[0]);
  return {
    x,
    xref: `x${axis}`,
    y: 1,
    yref: `y${axis} domain`,
    ax: 0,
    ay: -20,
    arrowhead: 2,
    arrowsize: 0.8,
    arrowwidth: 1.2,
    arrowcolor: color,
    text,
    font: { size: 13, color },
    xanchor: share > 0.9 ? "right" : share < 0.1 ? "left" : "center",
  };
}

/** Arrows to needle and question, the question's on a higher line where both would touch. */
export function contextMarks(
  { needle, questionStart, length }: {
    readonly needle?: TokenRange;
    readonly questionStart?: number;
    readonly length: number;
  },
  axis = "",
): Record<string, unknown>[] {
  const range = [0, length] as const;
  const marks: Record<string, unknown>[] = [];
  const center = needle && (needle.start + needle.end) / 2;
  if (center !== undefined) marks.push(arrowTo(center, "needle", markColors.needle, range, axis));
  if (questionStart !== undefined) {
    const near = center !== undefined && Math.abs(questionStart - center) < 0.2 * length;
    marks.push({ ...arrowTo(questionStart, "question", markColors.window, range, axis), ...(near ? { ay: -36 } : {}) });
  }
  return marks;
}
