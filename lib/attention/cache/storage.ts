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

type StoredVariant = Required<Pick<KernelVariant, "types" | "parts">>;

/** Of keys, and of values where the kernel has to do with them. */
interface StoredTypes {
  readonly keys: StorageType;
  readonly values?: StorageType;
}

/** What makes a kernel read pages of these types: element types, and the parts that tell how to read. */
export function readsStored({ keys, values }: StoredTypes): StoredVariant {
  return joined(variantOf("key", "keys", keys), values && variantOf("value", "values", values));
}

/** What makes a kernel write pages of these types: element types, and the parts that tell how to write. */
export function storesAs({ keys, values }: StoredTypes): StoredVariant {
  return joined(variantOf("key", "stores_keys", keys), values && variantOf("value", "stores_values", values));
}

function variantOf(what: "key" | "value", part: string, type: StorageType): StoredVariant {
  if (type === "int8") return { types: {}, parts: [`${part}_int8`] };
  return { types: { [what === "key" ? "KeyElement" : "ValueElement"]: type }, parts: [`${part}_float`] };
}

function joined(key: StoredVariant, value: StoredVariant | undefined): StoredVariant {
  if (!value) return key;
  return { types: { ...key.types, ...value.types }, parts: [...key.parts, ...value.parts] };
}
