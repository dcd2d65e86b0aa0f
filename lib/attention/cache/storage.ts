import type { KernelVariant } from "../../gpu/mod.ts";
import { headVectors } from "../shape.ts";

/** How keys or values are stored in the cache: as floats, or as int8 with a scale (f32) for each token and head. */
export type StorageType = "f32" | "f16" | "int8";

/** Names of the storage types. */
export const storageTypes: readonly StorageType[] = ["f32", "f16", "int8"];

/** Bytes of one token's vector of one head, its padding and scale included. */
export function vectorBytes(type: StorageType, headSize: number): number {
  const vectors = headVectors(headSize);
  return type === "int8" ? 4 * vectors + 4 : vectors * (type === "f16" ? 8 : 16);
}

/** What makes a kernel read pages of these types: element types, and the parts that tell how to read. */
export function readsStored(
  { keys, values }: { keys: StorageType; values?: StorageType },
): Required<Pick<KernelVariant, "types" | "parts">> {
  const of = (what: "key" | "value", type: StorageType | undefined) => {
    if (!type) return { types: {}, parts: [] };
    if (type === "int8") return { types: {}, parts: [`${what}s_int8`] };
    return { types: { [what === "key" ? "KeyElement" : "ValueElement"]: type }, parts: [`${what}s_float`] };
  };
  const [key, value] = [of("key", keys), of("value", values)];
  return { types: { ...key.types, ...value.types }, parts: [...key.parts, ...value.parts] };
}

/** What makes a kernel write pages of a type. */
export function storesAs(type: StorageType): Required<Pick<KernelVariant, "types" | "parts">> {
  return type === "int8"
    ? { types: {}, parts: ["stores_int8"] }
    : { types: { Element: type }, parts: ["stores_float"] };
}
