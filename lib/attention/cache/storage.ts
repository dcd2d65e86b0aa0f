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

/** How a kernel reads what is stored. */
export interface VectorReading {
  /** Vectors of four channels that are read at once. */
  readonly vectors: 1 | 2;
  /** The part that reads them. */
  readonly part: string;
  /** Element types that it needs. */
  readonly types: Readonly<Record<string, string>>;
}

/**
 * How kernels read stored vectors: eight channels at once where a head's halves are whole vectors of eight, else four. Parts that
 * read eight want the tokens of a page as a constant, PAGE.
 */
export function readsVectors(
  what: "key" | "value",
  type: StorageType,
  { headSize, pageTokens }: { readonly headSize: number; readonly pageTokens: number },
): VectorReading {
  // An int8 page of an odd number of tokens has an odd number of words.
  const wide = headSize % 16 === 0 && (type === "f16" || (type === "int8" && pageTokens % 2 === 0));
  if (wide) return { vectors: 2, part: `${what}s_wide_${type}`, types: {} };
  const { parts: [part], types } = variantOf(what, `${what}s`, type);
  return { vectors: 1, part, types };
}

function variantOf(what: "key" | "value", part: string, type: StorageType): StoredVariant {
  if (type === "int8") return { types: {}, parts: [`${part}_int8`] };
  return { types: { [what === "key" ? "KeyElement" : "ValueElement"]: type }, parts: [`${part}_float`] };
}

function joined(key: StoredVariant, value: StoredVariant | undefined): StoredVariant {
  if (!value) return key;
  return { types: { ...key.types, ...value.types }, parts: [...key.parts, ...value.parts] };
}
