import { assert, assertEquals } from "@std/assert";
import { gpuTest, gpuTestWith } from "../gpu_test_device.ts";

gpuTest(
  "the pool lends the buffer with the lowest number, so that the same requests get the same buffers",
  (device) => {
    const { buffers } = device;
    const held = [1, 2, 3].map(() => buffers.acquire(1000, "test"));
    const ids = held.map(({ id }) => id);
    for (const order of [[0, 1, 2], [2, 0, 1]]) {
      for (const place of order) buffers.release(held[place]);
      held.splice(0, 3, ...[1, 2, 3].map(() => buffers.acquire(900, "test")));
      assertEquals(held.map(({ id }) => id), ids.toSorted((a, b) => a - b));
    }
    for (const buffer of held) buffers.release(buffer);
  },
);

const few = { idleBytes: 2 ** 20 };
gpuTestWith(
  few,
  "past what the pool may keep, buffers of the size unused for longest go, and the newest stay",
  (device) => {
    const { buffers, memory } = device;
    buffers.trim();
    const most = buffers.mostIdleBytes;
    const large = buffers.acquire(most, "large");
    const small = buffers.acquire(4096, "small");
    buffers.release(large);
    assertEquals(memory.idleBytes, most);
    buffers.release(small);
    assertEquals(memory.idleBytes, 4096);
    const again = buffers.acquire(4096, "small");
    assertEquals(again.id, small.id);
    const made = buffers.created;
    const fresh = buffers.acquire(most, "large");
    assert(fresh.id !== large.id);
    assertEquals(buffers.created, made + 1);
    for (const buffer of [again, fresh]) buffers.release(buffer);
    buffers.trim();
    assertEquals(memory.idleBytes, 0);
  },
);
