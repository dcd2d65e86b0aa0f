import { assert, assertThrows } from "@std/assert";
import { LimitExceededError } from "../../../lib/gpu/mod.ts";
import { causalAttention, Tensor } from "../../../lib/tensor/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";

// Keys of zeros weigh all values alike, so the result is their mean, whatever the number of keys. llvmpipe ends a thread's
// loops after 65,535 turns in all: with inner loops counted that came after 1,900 keys of 128 channels.
gpuTest("attention sees every one of many keys", async (device) => {
  for (const [count, size] of [[5000, 128], [30_000, 16], [9000, 256]]) {
    const values = Float32Array.from({ length: count * size }, (_, i) => Math.floor(i / size) / count);
    using queries = Tensor.from(device, new Float32Array(2 * size).fill(0.5), [1, 2, 1, size]);
    using keys = Tensor.zeros(device, [1, count, 1, size]);
    using held = Tensor.from(device, values, [1, count, 1, size]);
    using output = causalAttention(queries, keys, held);
    const numbers = await output.read();
    // The last query sees all keys, the one before all but one; f32 sums of up to 30,000 terms of size 1.
    const means = [(count - 2) / 2 / count, (count - 1) / 2 / count];
    for (let i = 0; i < 2 * size; i++) {
      const off = Math.abs(numbers[i] - means[Math.floor(i / size)]);
      assert(off < 1e-4, `${count} keys of ${size} channels: channel ${i} is ${numbers[i]}`);
    }
  }
});

gpuTest("attention over more keys than a software adapter runs through is refused", (device) => {
  if (!device.info.software) return;
  using queries = Tensor.zeros(device, [1, 1, 1, 4]);
  using keys = Tensor.zeros(device, [1, 131_001, 1, 4]);
  using values = Tensor.zeros(device, [1, 131_001, 1, 4]);
  assertThrows(
    () => causalAttention(queries, keys, values),
    LimitExceededError,
    "131001 keys are more than the 131000",
  );
});
