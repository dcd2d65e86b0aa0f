import type * as z from "../../zod.ts";
import { readText } from "../../platform.ts";
import type { DataRow } from "../data/rows.ts";
import type { RowFault } from "../question.ts";

/**
 * The checked row of a data file.
 *
 * @throws {RangeError} saying what is wrong with it.
 */
export function parseRow<T>(schema: z.ZodMiniType<T>, row: DataRow): T {
  if ("fault" in row) throw new RangeError(row.fault);
  const parsed = schema.safeParse(row.value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "the row"} ${message}`);
  throw new RangeError(problems.join("; "));
}

/** What is told of a row that could not be used; errors that are no fault of the row go on. */
export function faultOf({ file, line }: DataRow, error: unknown): RowFault {
  if (!(error instanceof RangeError)) throw error;
  return { file, line, message: error.message };
}

/**
 * A file's JSON, checked.
 *
 * @throws {RangeError} naming the file and what is wrong with it.
 */
export async function readJsonFile<T>(path: string, schema: z.ZodMiniType<T>): Promise<T> {
  let value: unknown;
  try {
    value = JSON.parse((await readText(path)).replace(/^\ufeff/, ""));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new RangeError(`${path} is not JSON: ${error.message}`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path: field, message } = parsed.error.issues[0];
  throw new RangeError(`${path}: ${[field.join("."), message].filter(Boolean).join(" ")}`);
}
