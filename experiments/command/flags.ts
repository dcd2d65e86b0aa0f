import { parseArgs } from "node:util";
import { z } from "zod";

/** Flags that can't be: the message says which and what would be right. */
export class FlagsError extends Error {
  /** The error's name. */
  override readonly name = "FlagsError";
}

/**
 * Reads a command's flags, each a text but for `--help`.
 *
 * @param schema one field a flag
 * @throws {FlagsError} saying what is wrong, a line a flag.
 */
export function readFlags<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  args: readonly string[],
): z.infer<z.ZodObject<Shape>> {
  const options = Object.fromEntries(
    Object.keys(schema.shape).map((name) => [name, { type: name === "help" ? "boolean" : "string" } as const]),
  );
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    throw new FlagsError(error instanceof Error ? error.message : String(error));
  }
  const parsed = schema.safeParse(values);
  if (!parsed.success) throw new FlagsError(parsed.error.issues.map(({ message }) => message).join("\n"));
  return parsed.data;
}
