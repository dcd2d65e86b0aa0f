import type { z } from "zod";

/**
 * Reads what an earlier run of a command wrote.
 *
 * @param file its name, for messages
 * @param text its contents
 * @param what the rows that it should hold, in a word
 * @throws {Error} naming the file, the row and what is wrong with it.
 */
export function parseKept<Schema extends z.ZodType>(
  schema: Schema,
  { file, text, what }: { readonly file: string; readonly text: string; readonly what: string },
): z.infer<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${file} is no JSON; name another file, or delete it`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new Error(`${file} holds no rows of ${what}: ${path.join(".")}: ${message}; name another file, or delete it`);
}
