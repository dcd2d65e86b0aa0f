import { type DisplayBundle, valueBundle } from "../../notebook/mod.ts";
import type { DemoRow } from "../records.ts";

/** Rows of the needle task as a notebook shows them. */
export function showRows(rows: readonly DemoRow[]): DisplayBundle {
  return valueBundle({
    title: `needles: ${rows.length} ${rows.length === 1 ? "row" : "rows"}`,
    columns: ["method", "length", "exact match", "95 % interval", "questions", "scope", "seconds", "peak MiB"],
    rows: rows.map(({ method, length, exact, low, high, questions, scope, seconds, peakBytes }) => [
      method,
      String(length),
      exact.toFixed(2),
      `${low.toFixed(2)} to ${high.toFixed(2)}`,
      String(questions),
      String(scope),
      seconds.toFixed(1),
      (peakBytes / 2 ** 20).toFixed(0),
    ]),
  });
}
