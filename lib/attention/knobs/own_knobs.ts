import * as z from "../../zod.ts";
import type { Knobs } from "./knobs.ts";

/**
 * The knobs that a method has of its own (`knobs.own`), completed and checked; unknown names are errors.
 *
 * @param method the method's name, for the error
 * @param fields zod types of the knobs, each with its default
 * @throws {RangeError} naming each knob that is wrong, its value and what would be right.
 */
export function ownKnobs<Fields extends z.core.$ZodShape>(
  method: string,
  fields: Fields,
  { own }: Readonly<Knobs>,
): z.infer<z.ZodMiniObject<Fields>> {
  const parsed = z.strictObject(fields).safeParse(own ?? {});
  if (parsed.success) return parsed.data as z.infer<z.ZodMiniObject<Fields>>;
  const names = Object.keys(fields);
  const lines = parsed.error.issues.map((issue) => {
    if (issue.code === "unrecognized_keys") {
      const known = names.length > 0 ? `its knobs are ${names.join(", ")}` : "it has none";
      return `there is no knob ${issue.keys.join(", ")} of its own; ${known}`;
    }
    const name = issue.path.join(".");
    return `${name} ${JSON.stringify(own?.[String(issue.path[0])])}: ${issue.message}`;
  });
  throw new RangeError(`method "${method}": ${lines.join("; ")}`);
}

/** A whole number of at least `least`. */
export function wholeNumber(least: number, most = 2 ** 31 - 1): z.ZodMiniNumber {
  return z.number({ error: "must be a whole number" }).check(
    z.refine(Number.isInteger, { error: "must be a whole number", abort: true }),
    z.minimum(least, `must be at least ${least}`),
    z.maximum(most, `must be at most ${most}`),
  );
}

/** A number of at least `least`. */
export function numberFrom(least: number): z.ZodMiniNumber {
  return z.number({ error: "must be a number" }).check(z.minimum(least, `must be at least ${least}`));
}

/** One of several words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(
  ...words: Words
): z.ZodMiniType<Words[number]> {
  return z.enum(words, { error: `must be ${words.map((word) => `"${word}"`).join(" or ")}` });
}

/** Tokens of context that a model was trained with, where its shape does not tell. */
const USUAL_CONTEXT = 4096;

/** Tokens of context that the model was trained with. */
export function trainedContextOf({ trainedContext }: { readonly trainedContext?: number }): number {
  return trainedContext ?? USUAL_CONTEXT;
}
