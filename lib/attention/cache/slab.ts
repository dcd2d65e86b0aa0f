import type { PooledBuffer } from "../../gpu/mod.ts";

/** A run of pages that lie in one buffer per layer. */
export interface Slab {
  /** Number of its first page. */
  readonly firstPage: number;
  /** Number of pages. */
  readonly pages: number;
  /** Keys, one buffer per layer: [pages, KV heads, page tokens, padded head size]. */
  readonly keys: readonly PooledBuffer[];
  /** Values, likewise; reading it throws where they lie elsewhere. */
  readonly values: readonly PooledBuffer[];
}

/** A slab whose values lie elsewhere: what would read them on the GPU has to say so in words. */
export function withoutValues(slab: Omit<Slab, "values">): Slab {
  return {
    ...slab,
    get values(): never {
      throw new RangeError(
        'the values lie outside the GPU (valuesOn), where this method, score or operation can\'t read them; use valuesOn "gpu"',
      );
    },
  };
}
