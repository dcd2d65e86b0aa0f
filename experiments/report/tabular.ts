import { stringify } from "csv-stringify/sync";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { AxisValue } from "../../lib/evaluation/mod.ts";
import { cellsOf, columnsOf, type FlatTrial } from "./flat.ts";

/** One JSON object a line. */
export function toJsonLines(trials: readonly FlatTrial[]): string {
  return trials.map((trial) => `${JSON.stringify(trial)}\n`).join("");
}

/** Comma-separated values with a head (RFC 4180); nothing stands for what is missing, truth values are true and false. */
export function toCsv(trials: readonly FlatTrial[]): string {
  const rows = trials.map(cellsOf);
  const columns = columnsOf(rows);
  const cell = (value: AxisValue | null | undefined) => value === undefined || value === null ? "" : String(value);
  return stringify(rows.map((row) => columns.map((name) => cell(row.get(name)))), { header: true, columns });
}

/** An Apache Parquet file: a column a field, of whole or other numbers, truth values or texts. */
export function toParquet(trials: readonly FlatTrial[]): Uint8Array {
  const rows = trials.map(cellsOf);
  const columnData = columnsOf(rows).map((name) => {
    const cells = rows.map((row) => row.get(name) ?? null);
    return { name, nullable: true, ...typed(name, cells) };
  });
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

/** Whole numbers where a field only ever counts; a column of one kind of value each. */
const COUNTED = /^(length|seed|tokens|questions|right|peakBytes|scope)$|^(knobs|task)\./;

function typed(name: string, cells: readonly (AxisValue | null)[]) {
  const kinds = new Set(cells.filter((cell) => cell !== null).map((cell) => typeof cell));
  const [kind = "string"] = kinds;
  if (kinds.size <= 1 && kind === "boolean") return { type: "BOOLEAN" as const, data: [...cells] };
  if (kinds.size <= 1 && kind === "number") {
    const whole = COUNTED.test(name) && cells.every((cell) => cell === null || Number.isSafeInteger(cell));
    if (!whole) return { type: "DOUBLE" as const, data: [...cells] };
    return { type: "INT64" as const, data: cells.map((cell) => cell === null ? null : BigInt(cell as number)) };
  }
  return { type: "STRING" as const, data: cells.map((cell) => cell === null ? null : String(cell)) };
}
