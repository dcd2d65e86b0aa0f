import { parquetWriteBuffer } from "hyparquet-writer";
import { writeAside } from "../../platform.ts";

/** A column's values, one for each row: whole numbers, other numbers, or words. */
export type Column = Int32Array | Float32Array | Float64Array | readonly string[];

/** Columns of one length, by name: what a data frame is made of. */
export type Table = Readonly<Record<string, Column>>;

/**
 * A table as the bytes of a Parquet file, for pandas, Polars, DuckDB and R. Whole numbers are INT32, others FLOAT or DOUBLE, words
 * UTF-8 strings; no value is missing.
 *
 * @throws {RangeError} for a table without columns, or columns of different lengths.
 *
 * @example
 * ```ts
 * import { encodeParquet } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeParquet({ token: new Int32Array([7, 8]), weight: new Float32Array([0.25, 0.75]) });
 * assertEquals(new TextDecoder().decode(bytes.slice(0, 4)), "PAR1");
 * ```
 */
export function encodeParquet(table: Table): Uint8Array<ArrayBuffer> {
  const columns = Object.entries(table);
  if (columns.length === 0) throw new RangeError("encodeParquet: a table needs at least one column");
  const [[first, { length }]] = columns;
  for (const [name, column] of columns) {
    if (column.length === length) continue;
    throw new RangeError(
      `encodeParquet: column "${name}" has ${column.length} values, column "${first}" ${length}: they must have as many`,
    );
  }
  const columnData = columns.map(([name, data]) => ({
    name,
    data: data as Exclude<Column, readonly string[]> | string[],
    type: typeOf(data),
    nullable: false,
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

/**
 * Writes a table as a Parquet file, aside and renamed, so that nobody sees half of it.
 *
 * @param path a local path or a file: URL
 * @throws {RangeError} for a table without columns, or columns of different lengths.
 * @throws {PlatformError} if the file can't be written, or in a browser.
 *
 * @example
 * ```ts
 * import { writeParquet } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const path = `${folder}/weights.parquet`;
 * await writeParquet(path, { token: new Int32Array([7, 8]), weight: new Float32Array([0.25, 0.75]) });
 * const bytes = await Deno.readFile(path);
 * assertEquals(new TextDecoder().decode(bytes.slice(0, 4)), "PAR1");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function writeParquet(path: string | URL, table: Table): Promise<void> {
  await writeAside(path, encodeParquet(table));
}

function typeOf(column: Column): "INT32" | "FLOAT" | "DOUBLE" | "STRING" {
  if (column instanceof Int32Array) return "INT32";
  if (column instanceof Float32Array) return "FLOAT";
  return column instanceof Float64Array ? "DOUBLE" : "STRING";
}

/** Puts a table together row by row. */
export class TableRows<Row extends Readonly<Record<string, number | string>>> {
  readonly #rows: Row[] = [];
  readonly #kinds: Readonly<Record<keyof Row, "whole" | "number" | "words">>;

  /** `kinds` names the columns in order, and what they hold. */
  constructor(kinds: Readonly<Record<keyof Row, "whole" | "number" | "words">>) {
    this.#kinds = kinds;
  }

  /** Adds a row. */
  add(row: Row): void {
    this.#rows.push(row);
  }

  /** The columns. */
  table(): Table {
    const rows = this.#rows;
    return Object.fromEntries(
      Object.entries(this.#kinds).map(([name, kind]): [string, Column] => {
        if (kind === "words") return [name, rows.map((row) => String(row[name]))];
        const values = (row: Row) => Number(row[name]);
        return [name, kind === "whole" ? Int32Array.from(rows, values) : Float32Array.from(rows, values)];
      }),
    );
  }
}
