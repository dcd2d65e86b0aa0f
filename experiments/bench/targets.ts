import type { BenchFile, LimitsRow, Row } from "./row.ts";
import { rate } from "./table.ts";

/** A target, and what a record's row has against it. */
export interface TargetResult {
  /** Group, shape and type of the row. */
  readonly what: string;
  /** What is asked for, in words. */
  readonly wanted: string;
  /** What was measured, in the same unit. */
  readonly measured: string;
  /** Whether that reaches it. */
  readonly met: boolean;
  /** Floating-point operations for each byte that has to move; undefined for whole models, and ops that only move numbers. */
  readonly intensity?: number;
  /** What can't be gone past: the lower of the roofs at this intensity. */
  readonly bound: "memory" | "arithmetic";
  /** Where a target is missed: what was tried. */
  readonly tried?: string;
}

const REPEATED = "twice as many and half as many threads, rows and loads a thread";
/** What was tried against a miss, by the start of the row's name. Said by people: no record holds it. */
const TRIED: readonly (readonly [start: string, words: string])[] = [
  ["matmul", "eighteen tiles; WebGPU gives no matrix units and no asynchronous copies"],
  ["decode matmul", `staggered rows; ${REPEATED}`],
  [
    "prefill attention",
    "tiles with keys and values turned over, 8x8 products a thread (50 % in a probe of 4,096 tokens, one part of keys); " +
    "8x8 threads a tile (registers: twice as slow); few rows fill few of the card's processors",
  ],
  [
    "prefill selection",
    "lists in workgroup memory while scoring (a sixth of the scores' rate); queries kept there (a third slower); what is over " +
    "1 is looking at the groups and one workgroup's clip, the same at any length",
  ],
  ["decode selection", "lists while scanning; a scan alone reaches 1.1 times reading, and two small calls wait for it"],
  [
    "decode",
    "the host is the limit: about 120 calls a token, each 6 us in Deno, and as much in our own code; fewer, larger calls; bind " +
    "groups and calls known by their place",
  ],
];

type Finding = Omit<TargetResult, "intensity" | "bound">;

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

/** Tokens past so many times the scope: 2N / (N + 2M), bytes read by full attention over those read by ReAttention, tells. */
const FAR_CEILING = 1.8;

function modelTargets(row: Row, cases: readonly Row[], limits: LimitsRow): Finding[] {
  const { group, shape, implementation } = row;
  const method = implementation.replace("ours, ", "");
  if (group.startsWith("prefill")) {
    const full = cases.find((other) =>
      other.group === group && other.shape === shape && other.implementation === "ours, full"
    );
    if (!full || method !== "reattention") return [];
    return [atMost(row, "times as long as full attention", 1, row.milliseconds / full.milliseconds)];
  }
  const note = (name: string) => typeof row.notes?.[name] === "number" ? row.notes[name] : undefined;
  const targets: Finding[] = [];
  const [ofFull, host, weights] = [note("of full"), note("host ms"), note("weights TB/s")];
  if (ofFull !== undefined && method.startsWith("reattention") && method !== "reattention-window") {
    const far = (note("ceiling by bytes") ?? 0) > FAR_CEILING;
    const faster = !far ? 1 : method === "reattention" ? 1.4 : 3;
    const times = 1 / ofFull;
    targets.push(
      result(row, `${faster} times as fast as full attention or more`, `${times.toFixed(2)} times`, times >= faster),
    );
  }
  if (host !== undefined && group === "decode demo") {
    targets.push(result(row, "host busy less than 1 ms a token", `${host.toFixed(2)} ms`, host < 1));
  }
  if (weights !== undefined && method === "full") {
    const reached = weights * 1e12 / (limits.readBytesPerSecond ?? limits.copyBytesPerSecond);
    targets.push(result(row, "50 % or more of reading its weights", percent(reached), reached >= 0.5));
  }
  return targets;
}

function share(row: Row, wanted: number, what: string): Finding {
  const reached = row.shareOfLimit!;
  return result(row, `${percent(wanted)} or more of ${what}`, percent(reached), reached >= wanted);
}

function atMost(row: Row, what: string, wanted: number, measured: number): Finding {
  return result(row, `at most ${wanted} ${what}`, `${measured.toFixed(2)} times`, measured <= wanted);
}

function percent(share: number): string {
  // Never rounded up: 49.6 % of wanted 50 is a miss, and reads so.
  return `${Math.floor(100 * share)} %`;
}

function result(row: Row, wanted: string, measured: string, met: boolean): Finding {
  const what = nameOf(row);
  const tried = TRIED.find(([start]) => what.startsWith(start))?.[1];
  return { what, wanted, measured, met, ...(!met && tried !== undefined && { tried }) };
}

/** Group, shape and type of a row, and the variant of ours. */
export function nameOf({ group, shape, dtype, implementation }: Row): string {
  return `${group} ${shape} ${dtype}${implementation.replace(/^ours/, "")}`;
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
