import { scale, Tensor } from "../../tensor/mod.ts";
import type { KeyValueCache } from "./kv_cache.ts";
import { type NewestVectors, writeOutside } from "./write_outside.ts";

/** Rows made at a time; a prime number, so that pages differ. */
const ROWS = 1021;

/**
 * Appends tokens with random keys and values to every sequence of a cache, for runs whose time or memory counts and not their
 * answers: a long context is there at once, without a prefill. The numbers have mean 0 and a variance of about 1; they repeat every
 * 1,021 tokens, keys by another factor each time, since equal keys would tie, and ties cost what real contexts don't have.
 *
 * @throws {MemoryBudgetError} where memory can't hold them; nothing has changed then.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { appendRandom, KeyValueCache } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using cache = new KeyValueCache(device, { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 4 });
 * await appendRandom(cache, 2000);
 * assertEquals(cache.lengths, [2000]);
 * ```
 */
export async function appendRandom(cache: KeyValueCache, tokens: number, seed = 1): Promise<void> {
  const { device, batch, shape: { keyValueHeads, headSize, layers } } = cache;
  cache.reserve(tokens);
  const block = [batch, ROWS, keyValueHeads, headSize];
  for (let done = 0; done < tokens;) {
    const rows = Math.min(ROWS, tokens - done);
    const size = batch * rows * keyValueHeads * headSize;
    const numbers = { keys: uniform(size, seed), values: uniform(size, seed + 1) };
    const shape = rows === ROWS ? block : [batch, rows, keyValueHeads, headSize];
    using keys = Tensor.from(device, numbers.keys, shape);
    using values = Tensor.from(device, numbers.values, shape);
    for (; done < tokens && (rows === ROWS ? tokens - done >= ROWS : true); done += rows) {
      cache.extend(rows);
      const lengths = cache.lengths.flatMap((length) => [length, 0, 0, 0]);
      using layout = Tensor.from(device, Uint32Array.from(lengths), [batch, 4], "step layout");
      const factor = 0.9 + 0.2 * ((done / ROWS * 0.618034) % 1);
      using turned = scale(keys, factor);
      const outside = outsideOf(cache, numbers, Math.fround(factor));
      for (let layer = 0; layer < layers; layer++) {
        cache.store(layer, turned, values, layout);
        if (outside) await writeOutside(cache, layer, rows, outside);
      }
      await device.commands.yield();
    }
  }
}

/** What of a block lies outside the GPU: values, and keys by their factor, where they do. */
function outsideOf(
  { pool: { outside } }: KeyValueCache,
  { keys, values }: Required<NewestVectors>,
  factor: number,
): NewestVectors | undefined {
  if (!outside.values) return undefined;
  return { values, ...(outside.keys && { keys: keys.map((key) => key * factor) }) };
}

/** Numbers of mean 0 and variance 1, the same for a seed. */
function uniform(size: number, seed: number): Float32Array<ArrayBuffer> {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * Math.sqrt(12);
  });
}
