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

/**
 * Where a page of a cache lies: layer by layer, keys and then values, as far as they lie on the GPU.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { KeyValueCache, pageRanges } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using cache = new KeyValueCache(device, { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 4 });
 * cache.extend(1);
 * const [keys, values] = pageRanges(cache, cache.sequences[0].pages[0]);
 * assertEquals([keys.bytes, values.bytes], [256 * 4 * 4, 256 * 4 * 4]); // 256 tokens of 4 floats
 * ```
 */
export function pageRanges({ pool, shape }: KeyValueCache, page: number): PageRange[] {
  const slab = pool.slabOf(page);
  const place = page - slab.firstPage;
  const range = (buffer: PooledBuffer, type: StorageType) => {
    const bytes = pool.pageTokens * shape.keyValueHeads * vectorBytes(type, shape.headSize);
    return { buffer, offset: place * bytes, bytes };
  };
  return Array.from({ length: shape.layers }, (_, layer) => [
    ...(pool.outside.keys ? [] : [range(slab.keys[layer], pool.keyType)]),
    ...(pool.outside.values ? [] : [range(slab.values[layer], pool.valueType)]),
  ]).flat();
}
