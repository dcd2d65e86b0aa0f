import { z } from "zod";
import { readText } from "../../lib/platform.ts";

/** Published scores of one model and method. */
export interface PublishedRow {
  /** What the column is called. */
  readonly name: string;
  /** By official task name, or by length ("4096") for a benchmark's mean there; in percent. */
  readonly scores: Readonly<Record<string, number>>;
}

/** Published scores and where they stand. */
export interface Published {
  /** Paper, table, address: what a reader needs to look them up. */
  readonly source: string;
  readonly rows: readonly PublishedRow[];
}

const schema: z.ZodType<Published> = z.object({
  source: z.string().min(1, "must say where the scores stand"),
  rows: z.array(z.object({ name: z.string().min(1), scores: z.record(z.string(), z.number()) })).min(1),
});

/**
 * Reads published scores.
 *
 * @throws {RangeError} naming the file and what is wrong with it.
 */
export async function readPublished(path: string): Promise<Published> {
  let value: unknown;
  try {
    value = JSON.parse(await readText(path));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new RangeError(`${path} is not JSON: ${error.message}`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "the file"} ${message}`);
  throw new RangeError(`${path}: ${problems.join("; ")}`);
}
