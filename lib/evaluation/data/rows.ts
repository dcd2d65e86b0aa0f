import { parquetReadObjects } from "hyparquet";
import { unzipSync } from "fflate";
import { fileSize, readBytes } from "../../platform.ts";
import { type JsonLine, jsonLines, readJsonLines } from "./json_lines.ts";
import type { Release } from "./release.ts";

/** A row of a data file, or why it is none. */
export type DataRow = JsonLine & {
  /** The file, and inside an archive the member after a colon. */
  readonly file: string;
  /** Names the row in its table: its line, or of several files the file's number and its row. */
  readonly id: string;
};

/** Where a table's rows come from. */
export interface TableNames {
  /** Name of the table: the files' stem. */
  readonly name: string;
  /** Where the release comes from, in words, for the message where it is missing. */
  readonly origin: string;
}

/**
 * The rows of a table of a release, from the first of these that is there: NAME.jsonl, a zip archive with it, or Parquet
 * files (NAME.parquet, or a folder NAME of them, as hubs convert).
 *
 * @throws {MissingFileError} where none is there.
 * @throws {RangeError} for an archive or a Parquet file that is damaged.
 *
 * @example
 * ```ts
 * import { readTable, Release } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${folder}/qasper.jsonl`, '{"input": "Who?"}\n');
 * const release = await Release.open(folder);
 * const rows = await Array.fromAsync(readTable(release, { name: "qasper", origin: "the data set's page" }));
 * await Deno.remove(folder, { recursive: true });
 * assertEquals(rows, [{ line: 1, value: { input: "Who?" }, file: `${folder}/qasper.jsonl`, id: "1" }]);
 * ```
 */
export async function* readTable(release: Release, { name, origin }: TableNames): AsyncGenerator<DataRow, void, void> {
  const [plain] = release.find(`data/${name}.jsonl`, `${name}.jsonl`);
  if (plain !== undefined) {
    for (const row of await readJsonLines(plain)) yield { ...row, file: plain, id: String(row.line) };
    return;
  }
  for (const archive of release.matching(/\.zip$/)) {
    const member = await archived(archive, name);
    if (!member) continue;
    for (const row of jsonLines(member.bytes)) {
      yield { ...row, file: `${archive}:${member.name}`, id: String(row.line) };
    }
    return;
  }
  const parts = release.parquet(name);
  if (parts.length === 0) release.need(origin, `${name}.jsonl`);
  for (const [part, file] of parts.entries()) yield* parquetRows(file, parts.length > 1 ? `${part + 1}.` : "");
}

async function archived(path: string, name: string): Promise<{ name: string; bytes: Uint8Array } | undefined> {
  const wanted = (member: string) => member === `${name}.jsonl` || member.endsWith(`/${name}.jsonl`);
  try {
    const members = unzipSync(await readBytes(path), { filter: (file) => wanted(file.name) });
    const [found] = Object.entries(members);
    return found && { name: found[0], bytes: found[1] };
  } catch (error) {
    throw new RangeError(`${path} is no zip archive that can be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Whole numbers come as bigints, which no benchmark's rows need. */
function plainValue(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainValue(item)]));
  }
  return value;
}

async function* parquetRows(path: string, prefix: string): AsyncGenerator<DataRow, void, void> {
  const byteLength = await fileSize(path);
  const slice = async (start: number, end = byteLength) => {
    const from = start < 0 ? byteLength + start : start;
    return (await readBytes(path, { start: from, end: Math.min(end, byteLength) })).buffer;
  };
  let rows: Record<string, unknown>[];
  // It compiles WebAssembly as soon as it is imported, which pages of a strict policy may not.
  const { compressors } = await import("hyparquet-compressors");
  try {
    rows = await parquetReadObjects({ file: { byteLength, slice }, compressors });
  } catch (error) {
    throw new RangeError(`${path} is no Parquet file that can be read: ${(error as Error).message}`, { cause: error });
  }
  for (const [index, row] of rows.entries()) {
    yield { file: path, line: index + 1, id: `${prefix}${index + 1}`, value: plainValue(row) };
  }
}
