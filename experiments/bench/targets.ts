import { atMost, type Finding, result, share, type TargetResult } from "./findings.ts";
import { attentionTargets, modelTargets } from "./model_targets.ts";
import type { BenchFile, LimitsRow, Row } from "./row.ts";
import { rate } from "./table.ts";

/** All targets that the rows of a record are about, in the rows' order. */
export function targetResults({ rows, adapter }: BenchFile): TargetResult[] {
  const limits = rows.find((row): row is LimitsRow => row.group === "limits");
  if (!limits) throw new TypeError("the record has no row of limits: it is needed to tell shares");
  const cases = rows.filter((row): row is Row => row.group !== "limits" && row.implementation.startsWith("ours"));
  const software = /llvmpipe|swiftshader|software/i.test(adapter);
  const ridge = limits.multiplyAddsFlops / limits.copyBytesPerSecond;
  return cases.flatMap((row) => {
    const work = workOf(row);
    const intensity = work && work.flops / work.bytes;
    // Decoding a token reads every weight for two operations each.
    const prefill = row.group.startsWith("prefill");
    const bound = (intensity ?? (prefill ? Infinity : 0)) > ridge ? "arithmetic" : "memory";
    return checked(row, cases, limits, software).map((found) => ({ ...found, intensity, bound }));
  });
}

function checked(row: Row, cases: readonly Row[], limits: LimitsRow, software: boolean): Finding[] {
  const { group } = row;
  if (group === "matmul") return matmulTargets(row, cases, software);
  if (group.startsWith("decode matmul")) {
    return [share(row, 0.7, "copy bandwidth"), ...halfTarget(row, cases, 1.7)];
  }
  if (group === "prefill attention") return [share(row, 0.5, "the multiply-add rate")];
  if (group === "prefill selection") return [ofMatmul(row, cases)];
  if (group.startsWith("decode attention")) return attentionTargets(row, cases);
  if (group === "decode selection") {
    return [atMost(row, "times as long as copying the keys' bytes", 1.3, 1 / row.shareOfLimit!)];
  }
  if (row.limit === "copy") return row.amount! >= 2 ** 26 ? [share(row, 0.7, "copy bandwidth")] : [];
  if (row.limit === null) return modelTargets(row, cases, limits);
  return [];
}

function matmulTargets(row: Row, cases: readonly Row[], software: boolean): Finding[] {
  const targets = halfTarget(row, cases, 1);
  if (row.dtype !== "f32") return targets;
  if (software) return [share(row, 0.5, "the multiply-add rate"), ...targets];
  if (row.shape !== "4096x4096x4096") return targets;
  const flops = row.amount! / row.milliseconds * 1000;
  return [result(row, "30 TFLOP/s or more", rate(flops, "FLOP/s"), flops >= 30e12), ...targets];
}

/** Of an f16 row: how much faster than the same in f32. */
function halfTarget(row: Row, cases: readonly Row[], wanted: number): Finding[] {
  const wide = cases.find(({ group, shape, dtype }) => group === row.group && shape === row.shape && dtype === "f32");
  if (row.dtype !== "f16" || !wide) return [];
  const times = wide.milliseconds / row.milliseconds;
  return [result(row, `${wanted} times as fast as f32 or more`, `${times.toFixed(2)} times`, times >= wanted)];
}

/** Selection beside a product of the same size at the rate of the best f32 product in the record. */
function ofMatmul(row: Row, cases: readonly Row[]): Finding {
  const shares = cases.flatMap(({ group, dtype, shareOfLimit }) =>
    group === "matmul" && dtype === "f32" ? [shareOfLimit ?? 0] : []
  );
  return atMost(row, "times as long as a product of its scores", 1.15, Math.max(...shares) / row.shareOfLimit!);
}

/** Floating-point operations of a run, and bytes that have to be read and written once; undefined where little is computed. */
export function workOf({ group, shape, dtype, amount }: Row): { flops: number; bytes: number } | undefined {
  const sizes = shape.match(/\d+/g)?.map(Number) ?? [];
  if (group.includes("matmul")) {
    const [rows, depth, columns] = sizes;
    const right = depth * columns * (dtype === "f16" ? 2 : 4);
    return { flops: 2 * rows * depth * columns, bytes: 4 * (rows * depth + rows * columns) + right };
  }
  if (group === "prefill attention") {
    const [rows, heads, keyHeads, size] = sizes;
    return { flops: amount!, bytes: 4 * rows * size * (2 * heads + 2 * keyHeads) };
  }
  if (group === "prefill selection" || group === "decode selection") {
    const [rows, heads, keyHeads, size, tokens] = sizes;
    return { flops: 2 * rows * heads * tokens * size, bytes: 4 * size * (rows * heads + keyHeads * tokens) };
  }
  return undefined;
}

/** The table in Markdown, misses first. */
export function targetsTable(results: readonly TargetResult[]): string {
  const met = results.filter((each) => each.met).length;
  const rows = results.toSorted((a, b) => Number(a.met) - Number(b.met)).map((each) =>
    `| ${each.what} | ${each.wanted} | ${each.measured} | ${each.met ? "met" : "missed"} | ${bounded(each)} | ${
      each.tried ?? ""
    } |`
  );
  return [
    `${met} of ${results.length} met`,
    "",
    "| case | wanted | measured | | bound by (operations a byte) | tried |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

function bounded({ bound, intensity }: TargetResult): string {
  return intensity === undefined ? bound : `${bound} (${Number(intensity.toPrecision(2))})`;
}
