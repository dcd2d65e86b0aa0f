import { z } from "zod";
import { readText } from "../../lib/platform.ts";
import type { Figure } from "../../lib/viz/mod.ts";

const record = z.record(z.string(), z.unknown());
const schema = z.object({ data: z.array(record), layout: record }, { error: "must be an object with data and layout" });

/**
 * Reads a figure from plotly's JSON.
 *
 * @throws {RangeError} where the file holds none.
 * @throws {PlatformError} where it can't be read.
 */
export async function readFigure(file: string): Promise<Figure> {
  const text = await readText(file);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new RangeError(`${file} is no JSON: ${(error as Error).message}`, { cause: error });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new RangeError(`${file} is no figure: ${path.join(".") || "it"}: ${message}`);
}
