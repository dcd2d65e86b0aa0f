import type { Limits } from "./limits.ts";
import type { Quality, Row } from "./row.ts";

/** What the adapter can do, in a line. */
export function limitsLine({ flops, bytesPerSecond, row }: Limits): string {
  const { probes } = row;
  return `limits: ${rate(flops, "FLOP/s")} multiply-adds (${probes["multiply-add"]}), ` +
    `${rate(bytesPerSecond, "B/s")} copied, read and written counted (${probes.copy})` +
    (row.readBytesPerSecond ? `, ${rate(row.readBytesPerSecond, "B/s")} read alone (${probes.read})` : "");
}

/** A row as a line of the table. */
export function rowLine({ group, shape, dtype, implementation, ...row }: Row): string {
  const unit = row.limit === "copy" ? "B/s" : "FLOP/s";
  const speed = row.amount && row.limit ? rate(row.amount / row.milliseconds * 1000, unit) : "";
  const share = row.shareOfLimit === null ? "" : `${(100 * row.shareOfLimit).toFixed(0)} %`;
  const notes = Object.entries(row.notes ?? {}).map(([name, value]) =>
    `${name} ${typeof value === "number" ? Number(value.toPrecision(3)) : value}`
  );
  return [
    `${group} ${shape} ${dtype}`.padEnd(40),
    implementation.padEnd(14),
    `${row.milliseconds.toPrecision(4)} ms`.padStart(12),
    `(spread ${row.spread.toPrecision(2)}, wall ${row.wallMilliseconds.toPrecision(4)})`.padEnd(32),
    speed.padStart(14),
    share.padStart(6),
    ...notes,
    ...(row.quality ? [qualityWords(row.quality)] : []),
  ].join(" ").trimEnd();
}

/** What an approximation costs, in words. */
export function qualityWords(
  { model, agreement, leastAgreement, steps, accuracy, accuracyOfExact, questions, lengths }: Quality,
): string {
  return `attends to ${agreement.toFixed(3)} of what exact selection picks (${steps} steps, least ${
    leastAgreement.toFixed(2)
  }); ` +
    `${accuracy.toFixed(2)} of ${questions} answers right, ${accuracyOfExact.toFixed(2)} with exact selection ` +
    `(${model}, ${lengths.join(", ")} tokens)`;
}

/** A rate with the unit that fits. */
export function rate(perSecond: number, unit: string): string {
  const scale = perSecond >= 1e12 ? [1e12, "T"] as const : [1e9, "G"] as const;
  return `${(perSecond / scale[0]).toPrecision(3)} ${scale[1]}${unit}`;
}
