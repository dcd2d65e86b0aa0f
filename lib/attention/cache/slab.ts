import type { PooledBuffer } from "../../gpu/mod.ts";

/** A run of pages that lie in one buffer per layer. */
export interface Slab {
  /** Number of its first page. */
  readonly firstPage: number;
  /** Number of pages. */
  readonly pages: number;
  /** Keys, one buffer per layer: [pages, KV heads, page tokens, padded head size]; reading it throws where they lie elsewhere. */
  readonly keys: readonly PooledBuffer[];
  /** Values, likewise. */
  readonly values: readonly PooledBuffer[];
}

/** Buffers of a slab, one per layer; what lies outside the GPU has none. */
export interface SlabBuffers {
  /** Of keys. */
  readonly keys?: readonly PooledBuffer[];
  /** Of values. */
  readonly values?: readonly PooledBuffer[];
}

/** A slab of pages. What would read on the GPU what lies elsewhere has to say so in words. */
export function slabOf(firstPage: number, pages: number, { keys, values }: SlabBuffers): Slab {
  return {
    firstPage,
    pages,
    get keys() {
      return keys ?? refuse("keys");
    },
    get values() {
      return values ?? refuse("values");
    },
  };
}

function refuse(what: "keys" | "values"): never {
  throw new RangeError(
    `the ${what} lie outside the GPU (${what}On), where this method, score or operation can't read them; use ${what}On "gpu"`,
  );
}
