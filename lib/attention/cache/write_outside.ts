import type { KeyValueCache } from "./kv_cache.ts";

/** Vectors of the newest tokens of a cache's sequences, each f32 [batch, rows, KV heads, head size]. */
export interface NewestVectors {
  /** Keys, before rotation; undefined where they lie on the GPU. */
  readonly keys?: Float32Array<ArrayBuffer>;
  /** Values. */
  readonly values: Float32Array<ArrayBuffer>;
}

/**
 * Keeps the newest tokens' vectors of one layer where they lie outside the GPU.
 *
 * @throws {PlatformError} where a file can't take them.
 */
export async function writeOutside(
  { pool: { outside }, sequences, batch }: KeyValueCache,
  layer: number,
  rows: number,
  newest: NewestVectors,
): Promise<void> {
  for (const what of ["values", "keys"] as const) {
    const vectors = newest[what];
    if (!vectors) continue;
    const own = vectors.length / batch;
    for (const [sequence, { pages, length }] of sequences.entries()) {
      await outside[what]!.write(layer, pages, length - rows, vectors.subarray(sequence * own, (sequence + 1) * own));
    }
  }
}
