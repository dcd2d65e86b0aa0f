import { atMost, type Finding, noted, percent, result, share } from "./findings.ts";
import type { LimitsRow, Row } from "./row.ts";
import { qualityWords } from "./table.ts";

/** So many times the scope, a selecting method has to be faster than full attention, not only no slower. */
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
  if (ofFull !== undefined && isSelecting(row)) targets.push(ofFullAttention(row, cases, 1 / ofFull));
  if (host !== undefined && group === "decode demo") {
    targets.push(result(row, "host busy less than 1 ms a token", `${host.toFixed(2)} ms`, host < 1));
  }
  if (weights !== undefined && method === "full") {
    const reached = weights * 1e12 / (limits.readBytesPerSecond ?? limits.copyBytesPerSecond);
    targets.push(result(row, "50 % or more of reading its weights", percent(reached), reached >= 0.5));
  }
  const attention = noted(row, "attention GB/s");
  if (attention !== undefined && method === "full" && isFar(row)) {
    const reached = attention * 1e9 / limits.copyBytesPerSecond;
    targets.push(result(row, "70 % or more of copy bandwidth in attention", percent(reached), reached >= 0.7));
  }
  return targets;
}

/** Exact selection, or an approximation of it. */
function isSelecting({ implementation }: Row): boolean {
  return /^ours, reattention(?!-window)/.test(implementation);
}

function isExact({ implementation }: Row): boolean {
  return implementation === "ours, reattention";
}

/** A token's time beside full attention's; far past the scope more is wanted, of approximations from the fastest one. */
function ofFullAttention(row: Row, cases: readonly Row[], times: number): Finding {
  const fastest = cases
    .filter((other) => other.group === row.group && other.shape === row.shape && isSelecting(other) && !isExact(other))
    .toSorted((a, b) => a.milliseconds - b.milliseconds)[0];
  const held = isExact(row) ? FASTER.exact : row === fastest ? FASTER.approximate : 1;
  const wanted = isFar(row) ? held : 1;
  const words = wanted === FASTER.approximate ? " (the fastest approximation)" : "";
  // Far past the scope it is attention that has to be faster: weights are read either way, and set a ceiling to the whole.
  const attention = isFar(row) ? noted(row, "attention times") : undefined;
  return result(
    row,
    `${wanted} times as fast as full attention or more${attention === undefined ? "" : ", attention alone"}${words}`,
    [
      ...(attention === undefined ? attentionWords(row) : [`${attention.toFixed(2)} times`]),
      `${attention === undefined ? "" : "a whole token "}${times.toFixed(2)} times`,
      ...ceilingWords(row),
      ...(row.quality ? [qualityWords(row.quality)] : []),
    ].join("; "),
    (attention ?? times) >= wanted,
  );
}

/** Targets of attention alone, one token in one layer: full attention near copying, ReAttention faster than it. */
export function attentionTargets(row: Row, cases: readonly Row[]): Finding[] {
  const method = row.group.replace("decode attention, ", "");
  if (method === "full") return [share(row, 0.7, "copy bandwidth")];
  const times = noted(row, "times as fast as full");
  if (times === undefined) return [];
  const fastest = cases
    .filter(({ group, shape }) => shape === row.shape && /^decode attention, reattention ./.test(group))
    .toSorted((a, b) => a.milliseconds - b.milliseconds)[0];
  const held = method === "reattention" ? FASTER.exact : row === fastest ? FASTER.approximate : 1;
  const wanted = isFar(row) ? held : 1;
  const ceiling = noted(row, "ceiling by bytes")!;
  const measured = `${times.toFixed(2)} times; ceiling by keys and values read ${ceiling.toFixed(2)}`;
  return [result(row, `${wanted} times as fast as full attention or more`, measured, times >= wanted)];
}

/** Records of before the note "times the scope" tell the length by 2N / (N + 2M): 1.88 at 32 times a scope M. */
function isFar(row: Row): boolean {
  return (noted(row, "times the scope") ?? ((noted(row, "ceiling by bytes") ?? 0) > 1.8 ? FAR : 0)) >= FAR;
}

/** The kernels that attend and select beside full attention's, by the GPU's clock: the rest of a token is the same for all. */
function attentionWords(row: Row): string[] {
  const times = noted(row, "attention times");
  return times === undefined ? [] : [`attention alone ${times.toFixed(2)}`];
}

/** What can't be gone past by what has to be read. */
function ceilingWords(row: Row): string[] {
  // Records of before that note have exact selection's ceiling in every row.
  if (!isExact(row) && noted(row, "times the scope") === undefined) return [];
  const [bytes, weights] = [noted(row, "ceiling by bytes"), noted(row, "ceiling with weights")];
  return [
    ...(bytes === undefined ? [] : [`ceiling by keys and values read ${bytes.toFixed(2)}`]),
    ...(weights === undefined ? [] : [`with the weights ${weights.toFixed(2)}`]),
  ];
}
