/** What a schema says of a value. */
export interface Checked<Plan> {
  /** Whether the value is as it should be. */
  readonly success: boolean;
  /** The value then. */
  readonly data?: Plan;
  /** What is wrong otherwise. */
  readonly error?: { readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[] };
}

/**
 * Checks the text of a plan's file.
 *
 * @param path named in errors
 * @param schema a schema of zod
 * @throws {RangeError} for text that is no JSON, or naming each field that is wrong.
 *
 * @example
 * ```ts
 * import { parsePlanFile } from "@reattention/toolkit/evaluation";
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { z } from "zod";
 *
 * const schema = z.strictObject({ parts: z.number().min(1) });
 * assertEquals(parsePlanFile('{"parts":3}', "plan.json", schema), { parts: 3 });
 * assertThrows(() => parsePlanFile('{"parts":0}', "plan.json", schema), RangeError, "plan.json: parts: ");
 * ```
 */
export function parsePlanFile<Plan>(
  text: string,
  path: string,
  schema: { safeParse(value: unknown): Checked<Plan> },
): Plan {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RangeError(`${path} is not JSON: ${(error as Error).message}`);
  }
  const { success, data, error } = schema.safeParse(value);
  if (success) return data!;
  const faults = error!.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new RangeError(`${path}: ${faults.join("; ")}`);
}
