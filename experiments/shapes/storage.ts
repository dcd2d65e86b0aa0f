import { type AttentionShape, KeyValueCache } from "../../lib/attention/mod.ts";
import { appendRandom } from "../../lib/attention/mod.ts";
import type { Device } from "../../lib/gpu/mod.ts";
import type { StepRow } from "./rows.ts";

/** How keys and values are stored. */
export type Storage = NonNullable<StepRow["storage"]>;

/** Most bytes that are kept free for a step's own buffers: gathered keys and values, scores, parts of attention. */
const MOST_STEP_BYTES = 2 ** 32;
/** Less than that on small machines: one part in so many of what is left. */
const STEP_SHARE = 16;

/** The first of these ways to store a cache whose memory is there: those of a GPU with half floats, of one without. */
const preferred = (device: Device): readonly Storage[] => device.info.f16 ? ["f16", "int8"] : ["f32", "int8"];

/**
 * A cache of `length` random tokens with room for `more`, in f16 where that fits beside what a step needs, in int8 where only that
 * does. Caches of one length each: one that grows lies in more slabs than a prompt's, and kernels run once per slab.
 *
 * @throws {Error} where neither fits, saying what each would take.
 */
export async function filledCache(
  device: Device,
  shape: AttentionShape,
  length: number,
  more: number,
): Promise<{ cache: KeyValueCache; storage: Storage }> {
  const reasons: string[] = [];
  for (const storage of preferred(device)) {
    const cache = new KeyValueCache(device, shape, { keyType: storage, valueType: storage });
    try {
      checkRoom(device, cache, storage, length + more);
      cache.reserve(length + more);
      await appendRandom(cache, length);
      await device.finish();
      return { cache, storage };
    } catch (error) {
      reasons.push((error as Error).message);
      cache[Symbol.dispose]();
    }
  }
  throw new Error(reasons.join("; "));
}

function checkRoom(device: Device, { pool, shape }: KeyValueCache, storage: Storage, tokens: number): void {
  const pages = Math.ceil(tokens / pool.pageTokens);
  const bytes = pages * pool.pageBytes * shape.layers;
  const left = device.memory.roomBytes + device.memory.idleBytes;
  const step = Math.min(MOST_STEP_BYTES, left / STEP_SHARE);
  if (bytes + step <= left) return;
  const gibibytes = (value: number) => `${(value / 2 ** 30).toFixed(1)} GiB`;
  throw new Error(
    `keys and values of ${tokens} tokens in ${storage} take ${gibibytes(bytes)}; ${
      gibibytes(left)
    } are left beside the weights, of ` +
      `which a step needs ${gibibytes(step)}`,
  );
}
