import { assert, assertEquals, assertRejects } from "@std/assert";
import { filledCache } from "../../../experiments/shapes/storage.ts";
import { nameRuntimeFolder } from "../../../experiments/setup/runtime_folder.ts";
import { Device } from "../../../lib/gpu/mod.ts";

nameRuntimeFolder();

const SHAPE = { layers: 2, queryHeads: 2, keyValueHeads: 1, headSize: 64 };
/** Bytes of 16,384 tokens in both layers. */
const F16 = 2 ** 14 * 2 * 2 * 128;
const INT8 = 2 ** 14 * 2 * 2 * 68;

for (
  const [fits, memoryBytes] of [
    ["f16", 1.5 * F16],
    ["int8", 1.5 * INT8],
    [undefined, INT8],
  ] as const
) {
  Deno.test(`with ${memoryBytes} bytes ${fits ?? "no storage"} holds the cache`, async () => {
    using device = await Device.open({ memoryBytes });
    if (!device.info.f16) return;
    const filling = filledCache(device, SHAPE, 2 ** 14 - 512, 512);
    if (!fits) {
      const { message } = await assertRejects(() => filling, Error);
      assert(/16384 tokens in f16 take .*; keys and values of 16384 tokens in int8 take/.test(message), message);
      assertEquals(device.memory.liveBuffers, 0);
      return;
    }
    const { cache, storage } = await filling;
    using _cache = cache;
    assertEquals([storage, cache.pool.keyType, cache.pool.valueType], [fits, fits, fits]);
    assertEquals(cache.lengths, [2 ** 14 - 512]);
  });
}
