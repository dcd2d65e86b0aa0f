import type { PooledBuffer } from "../../gpu/mod.ts";
import type { KeyValueCache } from "./kv_cache.ts";
import { type StorageType, vectorBytes } from "./storage.ts";

/** Where a part of a page lies on the GPU. */
export interface PageRange {
  /** The buffer. */
  readonly buffer: PooledBuffer;
  /** First byte. */
  readonly offset: number;
  /** Bytes. */
  readonly bytes: number;
}

/** Where a page of a cache lies: layer by layer, keys and then values. */
export function pageRanges({ pool, shape }: KeyValueCache, page: number): PageRange[] {
  const slab = pool.slabOf(page);
  const place = page - slab.firstPage;
  const range = (buffer: PooledBuffer, type: StorageType) => {
    const bytes = pool.pageTokens * shape.keyValueHeads * vectorBytes(type, shape.headSize);
    return { buffer, offset: place * bytes, bytes };
  };
  return Array.from({ length: shape.layers }, (_, layer) => [
    range(slab.keys[layer], pool.keyType),
    range(slab.values[layer], pool.valueType),
  ]).flat();
}
