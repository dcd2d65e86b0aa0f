import { grouped, rounded } from "./figure.ts";
import { theme } from "./theme.ts";

/** How values lie on an axis. */
export type Scale = "linear" | "log";

/** What every axis shares; its title keeps off the ticks. */
export function axisOf(title: string, rest: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const text = { text: title, standoff: 10 };
  return { title: text, gridcolor: theme.grid, linecolor: theme.rule, zeroline: false, automargin: true, ...rest };
}

/** Room left and right of the values, as a share of the axis. */
const MARGIN = 0.06;
/** Plots narrower than this in pixels are rare: labels that fit there fit everywhere. */
const NARROW = 340;
const CHARACTER = 8;

/** Range of an axis that holds all values with some room; powers of ten on a logarithmic one, as plotly takes it. */
export function rangeOf(values: readonly number[], scale: Scale): [number, number] {
  let first = Infinity;
  let last = -Infinity;
  for (const value of values) {
    const at = scale === "log" ? Math.log10(value) : value;
    if (at < first) first = at;
    if (at > last) last = at;
  }
  if (first > last) return [0, 1];
  const span = last > first ? last - first : scale === "log" ? 1 : Math.abs(first) || 1;
  return [first - MARGIN * span, last + MARGIN * span];
}

/**
 * Ticks at the values that were measured, where those are few; plotly's own where they are many. Labels that would touch
 * their neighbour are left out, the first and the last stay.
 */
export function ticksAt(
  values: readonly number[],
  range: readonly [number, number],
  scale: Scale,
): Record<string, unknown> {
  const all = [...new Set(values)].sort((a, b) => a - b);
  if (
    all.length === 0 || all.length > (scale === "log" ? 24 : 8) || scale === "linear" && !all.every(Number.isInteger)
  ) return scale === "log" ? powerTicks(range) : {};
  const pixel = (value: number) =>
    ((scale === "log" ? Math.log10(value) : value) - range[0]) / (range[1] - range[0]) * NARROW;
  const half = (value: number) => label(value).length * CHARACTER / 2 + 4;
  const clear = (left: number, right: number) => pixel(left) + half(left) <= pixel(right) - half(right);
  const kept: number[] = [];
  const last = all[all.length - 1];
  for (const value of all) {
    const free = kept.length === 0 || clear(kept[kept.length - 1], value);
    if (value === last) {
      while (kept.length > 1 && !clear(kept[kept.length - 1], value)) kept.pop();
      kept.push(value);
    } else if (free) kept.push(value);
  }
  return { tickvals: kept, ticktext: kept.map(label) };
}

/** Ticks of a logarithmic axis: powers of ten, with 2 and 5 between where there are few. */
export function powerTicks(range: readonly [number, number]): Record<string, unknown> {
  const steps = range[1] - range[0] < 2.5 ? [1, 2, 5] : [1];
  const tickvals: number[] = [];
  for (let power = Math.floor(range[0]); power <= range[1]; power++) {
    for (const step of steps) {
      const at = power + Math.log10(step);
      if (at >= range[0] && at <= range[1]) tickvals.push(step * 10 ** power);
    }
  }
  if (tickvals.length < 2) return { exponentformat: "SI" };
  return { tickvals, ticktext: tickvals.map((value) => value >= 1 ? grouped(value) : rounded(value)) };
}

function label(value: number): string {
  return Number.isInteger(value) ? grouped(value) : rounded(value);
}
