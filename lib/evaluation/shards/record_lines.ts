import { readText } from "../../platform.ts";

/** A file's lines as values, and what could not be read of it. */
export interface ReadLines<Value> {
  /** The lines' values. */
  readonly values: Value[];
  /** Lines that are damaged, as "file:line: what is wrong". */
  readonly faults: string[];
}

/**
 * Reads a file of JSON lines that may be being written, or whose writer was killed: a last line without its end is not there
 * yet, or never will be.
 *
 * @param parse makes a line's value of its JSON, or throws
 * @throws {PlatformError} where the file can't be read.
 */
export async function readLines<Value>(path: string, parse: (value: unknown) => Value): Promise<ReadLines<Value>> {
  const values: Value[] = [];
  const faults: string[] = [];
  const lines = (await readText(path)).split("\n").slice(0, -1);
  for (const [index, line] of lines.entries()) {
    try {
      values.push(parse(JSON.parse(line)));
    } catch (error) {
      faults.push(`${path}:${index + 1}: ${(error as Error).message}`);
    }
  }
  return { values, faults };
}
