import type { ShapesRow } from "./rows.ts";

const thousands = (value: number) => Math.round(value).toLocaleString("en-US");
const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

/** A row as a line of a terminal. */
export function rowLine(row: ShapesRow): string {
  const who = `${row.model.padEnd(16)} ${("part" in row ? row.part : "run").padEnd(6)} ${row.method.padEnd(18)} ` +
    `${thousands(row.length).padStart(9)}`;
  if (row.kind === "left out") return `${who}  left out: ${row.reason}`;
  if (row.kind === "derived") {
    const { byClock } = row;
    const clock = byClock
      ? `; ${byClock.firstTokenSeconds.toFixed(1)} s and ${byClock.tokensPerSecond.toFixed(1)} by the clock`
      : "";
    return `${who}  first token after ${row.firstTokenSeconds.toFixed(1)} s, then ${
      row.tokensPerSecond.toFixed(1)
    } tokens/s${clock} (from ${row.basis})\n${" ".repeat(8)}${row.arithmetic}`;
  }
  const gpu = row.gpuMilliseconds === null ? "" : `${row.gpuMilliseconds.toFixed(3)} ms GPU, `;
  const share = row.shareOfReading === null
    ? `${(row.flops / (row.gpuMilliseconds ?? row.wallMilliseconds) / 1e9).toFixed(1)} TFLOP/s`
    : `${(100 * row.shareOfReading).toFixed(0)} % of reading`;
  return `${who}  ${row.step.padEnd(7)} ${gpu}${row.wallMilliseconds.toFixed(3)} ms clock, ${share}, cache ${
    row.storage ?? "f16"
  } ${gibibytes(row.cacheBytes)}, peak ${gibibytes(row.peakBytes)}`;
}
