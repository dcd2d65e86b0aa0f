import { assertEquals, assertThrows } from "@std/assert";
import { KeyValueCache } from "../../../lib/attention/mod.ts";
import { MemoryBudgetError } from "../../../lib/gpu/mod.ts";
import { gpuTest, gpuTestWith } from "../../gpu_test_device.ts";

const shape = { layers: 2, queryHeads: 2, keyValueHeads: 1, headSize: 6 };
/** Two layers, keys and values, one head padded to 8 channels of 4 bytes. */
const bytesPerToken = 2 * 2 * 8 * 4;

gpuTest("KeyValueCache grows by pages without moving what it holds, and counts their bytes", (device) => {
  using cache = new KeyValueCache(device, shape, { pageTokens: 10 });
  cache.extend(25);
  assertEquals(cache.bytes, 30 * bytesPerToken);
  const first = cache.pool.slabs[0];
  for (let i = 0; i < 40; i++) cache.extend(7);
  assertEquals(cache.pool.slabs[0], first);
  assertEquals([cache.lengths[0], cache.bytes], [305, 310 * bytesPerToken]);
});

gpuTest("KeyValueCache shares full pages with forks, copies the last, and frees all with the last owner", (device) => {
  const before = device.memory.liveBytes;
  const cache = new KeyValueCache(device, shape, { pageTokens: 10 });
  cache.extend(95);
  cache.reserve(100);
  const whole = cache.pool.bytes;
  const forks = [cache.fork(), cache.fork()];
  for (const fork of forks) fork.extend(1);
  // Each fork took one page, of those reserved.
  assertEquals(cache.pool.bytes, whole);
  assertEquals(forks.map(({ lengths }) => lengths[0]), [96, 96]);
  cache[Symbol.dispose]();
  forks[0][Symbol.dispose]();
  forks[1].extend(50);
  assertEquals(forks[1].lengths[0], 146);
  forks[1][Symbol.dispose]();
  forks[1][Symbol.dispose]();
  assertEquals(device.memory.liveBytes, before);
});

gpuTest("KeyValueCache truncates to fewer tokens and gives pages back", (device) => {
  using cache = new KeyValueCache(device, shape, { pageTokens: 10, batch: 2 });
  cache.extend(35);
  cache.truncate(11);
  assertEquals([[...cache.lengths], cache.bytes], [[11, 11], 2 * 20 * bytesPerToken]);
  cache.truncate(50);
  assertEquals([...cache.lengths], [11, 11]);
});

gpuTestWith(
  { memoryBytes: 2 ** 20 },
  "KeyValueCache refuses what memory can't hold and is then as it was",
  (device) => {
    using cache = new KeyValueCache(device, shape, { pageTokens: 10 });
    cache.extend(10);
    assertThrows(() => cache.extend(100_000), MemoryBudgetError, "do not fit");
    assertEquals(cache.lengths[0], 10);
    cache.extend(10);
  },
);

gpuTest("KeyValueCache refuses sizes that the kernels can't take", (device) => {
  assertThrows(() => new KeyValueCache(device, { ...shape, headSize: 7 }), RangeError, "headSize 7 must be even");
  assertThrows(
    () => new KeyValueCache(device, { ...shape, keyValueHeads: 3 }),
    RangeError,
    "must be a multiple of keyValueHeads 3",
  );
  assertThrows(() => new KeyValueCache(device, shape, { batch: 0 }), RangeError, "batch 0");
  assertThrows(() => new KeyValueCache(device, shape, { pageTokens: 0 }), RangeError, "pageTokens 0");
});
