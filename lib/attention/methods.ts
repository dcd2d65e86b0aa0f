import { FullAttention } from "./full.ts";
import type { Knobs } from "./knobs.ts";
import type { AttentionMethod, MethodName } from "./method.ts";
import { ReAttention } from "./reattention.ts";
import type { AttentionShape } from "./shape.ts";
import { StreamingAttention } from "./streaming.ts";

const makers: Readonly<
  Record<
    MethodName,
    (knobs: Readonly<Knobs>, shape: AttentionShape) => AttentionMethod
  >
> = {
  "full": (knobs) => new FullAttention(knobs),
  "streaming": (knobs) => new StreamingAttention(knobs),
  "reattention": (knobs, shape) => new ReAttention(knobs, shape),
  "reattention-window": (knobs, shape) => new ReAttention({ ...knobs, prefill: "window" }, shape),
};

/** Names of all methods, in the order of tables. */
export const methodNames: readonly MethodName[] = Object.keys(
  makers,
) as MethodName[];

/**
 * Makes a method by name.
 *
 * @throws {RangeError} for a name that there isn't.
 *
 * @example
 * ```ts
 * import { createMethod, resolveKnobs } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const method = createMethod("reattention", resolveKnobs({ prefill: "window" }), shape);
 * assertEquals(method.name, "reattention-window");
 * ```
 */
export function createMethod(
  name: MethodName,
  knobs: Readonly<Knobs>,
  shape: AttentionShape,
): AttentionMethod {
  const make = makers[name];
  if (!make) {
    throw new RangeError(
      `there is no method "${name}"; the methods are ${methodNames.join(", ")}`,
    );
  }
  return make(knobs, shape);
}
