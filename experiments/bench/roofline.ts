import { type Figure, rooflineFigure } from "../../lib/viz/mod.ts";
import { nameOf } from "./findings.ts";
import type { BenchFile, LimitsRow, Row } from "./row.ts";
import { workOf } from "./targets.ts";

/** Kinds of kernels, as the figure tells them apart, and the groups of rows that are of them. */
const KINDS: readonly (readonly [name: string, groups: readonly string[]])[] = [
  ["matmul", ["matmul"]],
  ["product of one row", ["decode matmul", "decode matmul transposed"]],
  ["prefill attention", ["prefill attention"]],
  ["prefill selection", ["prefill selection"]],
  ["decode selection", ["decode selection"]],
];

/** A record's kernels below the roof that it measured on the same adapter. */
export function recordRoofline({ rows, adapter, date }: BenchFile): Figure {
  const limits = rows.find((row): row is LimitsRow => row.group === "limits");
  if (!limits) throw new TypeError("the record has no row of limits: they are the roof");
  const cases = rows.filter((row): row is Row => row.group !== "limits" && row.implementation === "ours");
  const groups = KINDS.map(([name, of]) => ({
    name,
    points: cases.filter(({ group }) => of.includes(group)).flatMap((row) => {
      const work = workOf(row);
      if (!work) return [];
      const [intensity, flops] = [work.flops / work.bytes, work.flops / row.milliseconds * 1000];
      return [{ name: nameOf(row), intensity, flops }];
    }),
  })).filter(({ points }) => points.length > 0);
  return rooflineFigure({
    title: `${adapter}, ${date.slice(0, 10)}`,
    flops: limits.multiplyAddsFlops,
    bytesPerSecond: limits.copyBytesPerSecond,
    groups,
  });
}
