import { axisOf } from "../axis.ts";
import { checkFinite } from "../checks.ts";
import {
  baseLayout,
  escapeLabel,
  type Figure,
  legendRows,
  rounded,
  rowLegend,
  symbols,
  titleOf,
  topMargin,
} from "../figure.ts";
import { firstThatFits } from "../size_limit.ts";
import { palette, theme } from "../theme.ts";

/** One measured kernel. */
export interface RooflinePoint {
  /** Its name, for the hover text. */
  readonly name: string;
  /** Floating-point operations for each byte that has to move. */
  readonly intensity: number;
  /** Floating-point operations a second, measured. */
  readonly flops: number;
}

/** What to draw. */
export interface RooflineInput {
  /** Above the figure; none where it is empty. */
  readonly title: string;
  /** Floating-point operations a second at best. */
  readonly flops: number;
  /** Bytes moved a second at best. */
  readonly bytesPerSecond: number;
  /** Kernels of a kind share a colour and a mark. */
  readonly groups: readonly { readonly name: string; readonly points: readonly RooflinePoint[] }[];
}

const NAME = "rooflineFigure";

/**
 * Kernels below the roof of an adapter: what memory allows at their arithmetic intensity, or the arithmetic units do, whichever is
 * less (Williams, Waterman and Patterson 2009). The lower a point lies below the roof, the more there would be to gain.
 *
 * @throws {RangeError} for a value that is no finite number above 0.
 *
 * @example
 * ```ts
 * import { rooflineFigure } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const points = [{ name: "matmul 4096", intensity: 683, flops: 33e12 }];
 * const figure = rooflineFigure({ title: "", flops: 61e12, bytesPerSecond: 2.9e12, groups: [{ name: "matmul", points }] });
 * assertEquals(figure.data.map(({ name }) => name), ["roof", "matmul"]);
 * ```
 */
export function rooflineFigure(input: RooflineInput): Figure {
  checkFinite(NAME, "flops", input.flops, "log");
  checkFinite(NAME, "bytesPerSecond", input.bytesPerSecond, "log");
  for (const { points } of input.groups) {
    for (const { name, intensity, flops } of points) {
      checkFinite(NAME, `intensity of "${name}"`, intensity, "log");
      checkFinite(NAME, `flops of "${name}"`, flops, "log");
    }
  }
  return firstThatFits(NAME, [() => build(input)]);
}

function build({ title, flops, bytesPerSecond, groups }: RooflineInput): Figure {
  const roofAt = (intensity: number) => Math.min(flops, intensity * bytesPerSecond);
  const ridge = flops / bytesPerSecond;
  const all = groups.flatMap(({ points }) => points.map(({ intensity }) => intensity));
  const ends = [Math.min(ridge / 10, ...all) / 1.5, ridge, Math.max(ridge * 10, ...all) * 1.5];
  return {
    data: [
      {
        type: "scatter",
        mode: "lines",
        name: "roof",
        x: ends,
        y: ends.map(roofAt),
        line: { color: theme.rule, width: 2 },
        hoverinfo: "skip",
      },
      ...groups.map(({ name, points }, index) => ({
        type: "scatter",
        mode: "markers",
        name: escapeLabel(name),
        x: points.map(({ intensity }) => intensity),
        y: points.map((point) => point.flops),
        marker: { color: palette[index % palette.length], symbol: symbols[index % symbols.length], size: 10 },
        hovertext: points.map((point) => words(point, roofAt(point.intensity))),
        hovertemplate: "%{hovertext}<extra></extra>",
      })),
    ],
    layout: {
      ...baseLayout,
      ...titleOf(title),
      height: 420,
      margin: { l: 70, r: 20, t: topMargin(title, legendRows(["roof", ...groups.map(({ name }) => name)])), b: 60 },
      legend: rowLegend,
      xaxis: axisOf("floating-point operations a byte", { type: "log", dtick: 1, exponentformat: "power" }),
      yaxis: axisOf("floating-point operations a second", { type: "log", dtick: 1, exponentformat: "power" }),
    },
  };
}

function words({ name, intensity, flops }: RooflinePoint, roof: number): string {
  return `<b>${escapeLabel(name)}</b><br>${rounded(intensity)} operations a byte<br>` +
    `${rounded(flops / 1e12)} TFLOP/s, ${rounded(100 * flops / roof)} % of the roof`;
}
