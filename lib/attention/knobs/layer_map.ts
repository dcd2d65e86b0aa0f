import type { MethodName } from "../method.ts";

/**
 * Which method each layer uses: layers by number ("3") or from one to another ("0-1"), and "default" for the others, such as
 * `{ "0-1": "full", default: "reattention" }`.
 */
export type LayerMethods = Readonly<Record<string, MethodName>>;

/**
 * The method of each layer.
 *
 * @param map which method which layers use
 * @param layers layers of the model
 * @throws {RangeError} naming a key that says no layer of the model, a layer that is said twice, or one that is not said.
 *
 * @example
 * ```ts
 * import { methodsByLayer } from "@reattention/toolkit/attention";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(methodsByLayer({ "0-1": "full", default: "streaming" }, 3), ["full", "full", "streaming"]);
 * assertThrows(() => methodsByLayer({ "2": "full" }, 4), RangeError, "no method for layer 0");
 * ```
 */
export function methodsByLayer(map: LayerMethods, layers: number): MethodName[] {
  const methods = new Array<MethodName | undefined>(layers);
  for (const [key, name] of Object.entries(map)) {
    if (key === "default") continue;
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(key) ?? [];
    const [first, last] = [Number(from), Number(to)];
    if (from === undefined || first > last || last >= layers) {
      throw new RangeError(
        `layers "${key}": must be "default", a layer from 0 to ${
          layers - 1
        } such as "0", or a run of them such as "0-1"`,
      );
    }
    for (let layer = first; layer <= last; layer++) {
      if (methods[layer]) {
        throw new RangeError(`layers "${key}": layer ${layer} has the method "${methods[layer]}" already`);
      }
      methods[layer] = name;
    }
  }
  return Array.from(methods, (name, layer) => {
    const method = name ?? map.default;
    if (method) return method;
    throw new RangeError(`there is no method for layer ${layer}; name it, or add "default"`);
  });
}
