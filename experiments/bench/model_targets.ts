import { atMost, type Finding, noted, percent, result, share } from "./findings.ts";
import type { LimitsRow, Row } from "./row.ts";
import { qualityWords } from "./table.ts";

/** So many times the scope, selecting has to be faster than full attention, not only no slower. */
const FAR = 32;
/** How many times as fast: with exact selection, and with the fastest of the approximations. */
const FASTER = { exact: 1.4, approximate: 3 };

/** Targets of a row of a whole model. */
export function modelTargets(row: Row, cases: readonly Row[], limits: LimitsRow): Finding[] {
  const { group, shape, implementation } = row;
  const method = implementation.replace("ours, ", "");
  if (group.startsWith("prefill")) {
    const full = cases.find((other) =>
      other.group === group && other.shape === shape && other.implementation === "ours, full"
    );
    if (!full || method !== "reattention") return [];
    return [atMost(row, "times as long as full attention", 1, row.milliseconds / full.milliseconds)];
  }
  const targets: Finding[] = [];
  const [ofFull, host, weights] = [noted(row, "of full"), noted(row, "host ms"), noted(row, "weights TB/s")];
  if (ofFull !== undefined && /^reattention(?!-window)/.test(method)) {
    const others = cases.filter((other) => other.group === group && other.shape === shape);
    targets.push(tokenBesideFull(row, 1 / ofFull, method === "reattention", others));
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

/** Targets of attention alone, one token in one layer: full attention near copying, ReAttention faster than it. */
export function attentionTargets(row: Row, cases: readonly Row[]): Finding[] {
  const method = row.group.replace("decode attention, ", "");
  if (method === "full") return [share(row, 0.7, "copy bandwidth")];
  const times = noted(row, TIMES);
  if (times === undefined) return [];
  const others = cases.filter(({ group, shape }) => group.startsWith("decode attention, ") && shape === row.shape);
  const wanted = wantedOf(row, method === "reattention", others, (other) => 1 / other.milliseconds);
  return [
    besideFull(row, wanted, times, [`${times.toFixed(2)} times`, ...ceilingWords(row, method === "reattention")]),
  ];
}

const TIMES = "times as fast as full";

/**
 * A whole model's token beside full attention's. Far past the scope it is attention that has to be faster: weights are read either way, and
 * set a ceiling to the whole.
 */
function tokenBesideFull(row: Row, token: number, exact: boolean, others: readonly Row[]): Finding {
  const attention = noted(row, "attention times");
  const ceilings = ceilingWords(row, exact);
  if (!isFar(row) || attention === undefined) {
    const wanted = wantedOf(row, exact, others, (other) => 1 / other.milliseconds);
    const alone = attention === undefined ? [] : [`attention alone ${attention.toFixed(2)}`];
    return besideFull(row, wanted, token, [`${token.toFixed(2)} times`, ...alone, ...ceilings]);
  }
  const wanted = wantedOf(row, exact, others, (other) => noted(other, "attention times") ?? 0);
  const measured = [`${attention.toFixed(2)} times${kernelWords(row)}`, `a whole token ${token.toFixed(2)} times`];
  return besideFull(row, wanted, attention, [...measured, ...ceilings], ", attention alone");
}

/** How many times as fast as full attention: of approximations, more of the fastest one. */
function wantedOf(row: Row, exact: boolean, others: readonly Row[], speed: (row: Row) => number): number {
  if (!isFar(row)) return 1;
  if (exact) return FASTER.exact;
  return others.some((other) => isApproximation(other) && speed(other) > speed(row)) ? 1 : FASTER.approximate;
}

function besideFull(row: Row, wanted: number, times: number, measured: readonly string[], what = ""): Finding {
  const named = wanted === FASTER.approximate ? " (the fastest approximation)" : "";
  const words = [...measured, ...(row.quality ? [qualityWords(row.quality)] : [])].join("; ");
  return result(row, `${wanted} times as fast as full attention or more${what}${named}`, words, times >= wanted);
}

/** Whether a row is that of a named approximation: "reattention" and what it does less exactly. */
function isApproximation({ group, implementation }: Row): boolean {
  return /^(decode attention|ours), reattention /.test(implementation === "ours" ? group : implementation);
}

/** Records of before the note "times the scope" tell the length by 2N / (N + 2M): 1.88 at 32 times a scope M. */
function isFar(row: Row): boolean {
  return (noted(row, "times the scope") ?? ((noted(row, "ceiling by bytes") ?? 0) > 1.8 ? FAR : 0)) >= FAR;
}

/** How much of a token's kernels attention is, where that was measured. */
function kernelWords(row: Row): string {
  const [attention, all] = [noted(row, "attention ms"), noted(row, "GPU ms")];
  return attention === undefined || all === undefined
    ? ""
    : ` (${attention.toFixed(2)} of ${all.toFixed(2)} ms of kernels)`;
}

/** What can't be gone past by what has to be read. */
function ceilingWords(row: Row, exact: boolean): string[] {
  const [bytes, weights] = [noted(row, "ceiling by bytes"), noted(row, "ceiling with weights")];
  // Records of before the note "times the scope" have exact selection's ceiling in every row.
  if (bytes === undefined || (!exact && noted(row, "times the scope") === undefined)) return [];
  return [
    `ceiling by keys and values read ${bytes.toFixed(2)}`,
    ...(weights === undefined ? [] : [`with the weights ${weights.toFixed(2)}`]),
  ];
}
