import { assert, assertEquals, assertGreater, assertLess, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { Device, DeviceLostError, LimitExceededError, MemoryBudgetError, ValidationError } from "../../lib/gpu/mod.ts";
import { add, multiply, siluGate, Tensor } from "../../lib/tensor/mod.ts";
import { gpuTest, gpuTestWith } from "../gpu_test_device.ts";

gpuTest("Device tells its name, limits and features", (device) => {
  assert(device.info.name.length > 0);
  assertGreater(device.info.bindingBytes, 2 ** 20);
});

gpuTestWith({ groupsPerDimension: 3 }, "Commands cuts a call that one grid dimension can't hold", async (device) => {
  const size = 64 * 20 + 5;
  using x = Tensor.from(device, new Float32Array(size).fill(2), [size]);
  using y = siluGate(x, x);
  const expected = 4 / (1 + Math.exp(-2));
  assert((await y.read()).every((value) => Math.abs(value - expected) < 1e-5));
});

gpuTest("Commands writes after what was recorded before", async (device) => {
  using x = Tensor.from(device, new Float32Array([1, 1]), [2]);
  using y = siluGate(x, x);
  device.commands.write(x.buffer, 0, new Float32Array([0, 0]));
  assertGreater((await y.read())[0], 0.7);
});

gpuTest("ReadBack raises a kernel's fault at the next read and names the kernel", async (device) => {
  const output = device.acquire(64, "fault");
  // The kernel's last override is a workgroup size past every limit: WebGPU refuses the pipeline.
  device.commands.dispatch({
    kernel: "silu_gate",
    types: { Element: "f32", Wide: "f32" },
    constants: { WIDTH: 1 },
    overrides: { WORKGROUP: 1_000_000 },
    params: { count: 1 },
    bindings: [{ buffer: output }, { buffer: output }, { buffer: output }],
    groups: 1,
    work: 1,
  });
  const error = await assertRejects(() => device.finish(), ValidationError);
  assertMatch(error.message, /silu_gate/);
  device.buffers.release(output);
  await device.finish();
});

gpuTest("PipelineCache names the line of a text that does not compile", async (device) => {
  const buffer = device.acquire(64, "fault");
  device.commands.dispatch({
    kernel: "silu_gate",
    types: { Element: "f32", Wide: "vec2<bool>" },
    constants: { WIDTH: 1 },
    params: { count: 1 },
    bindings: [{ buffer }, { buffer }, { buffer }],
    groups: 1,
    work: 1,
  });
  const error = await assertRejects(() => device.finish(), ValidationError, "kernel silu_gate");
  assertMatch(error.message, /line \d+ column \d+/);
  device.buffers.release(buffer);
  await device.finish();
});

gpuTest("Commands refuses parameters that a kernel does not have, and missing ones", (device) => {
  const buffer = device.acquire(64, "parameters");
  const call = {
    kernel: "silu_gate",
    types: { Element: "f32", Wide: "f32" },
    constants: { WIDTH: 1 },
    bindings: [{ buffer }, { buffer }, { buffer }],
    groups: 1,
    work: 1,
  } as const;
  assertThrows(() => device.commands.dispatch({ ...call, params: {} }), TypeError, "count");
  assertThrows(() => device.commands.dispatch({ ...call, params: { count: 0, rows: 1 } }), TypeError, "rows");
  device.buffers.release(buffer);
});

gpuTestWith(
  { bindingBytes: 4096 },
  "Commands refuses a binding past the limit before anything is submitted",
  (device) => {
    const buffer = device.acquire(8192, "too long");
    const call = {
      kernel: "silu_gate",
      types: { Element: "f32", Wide: "f32" },
      constants: { WIDTH: 1 },
      params: { count: 1 },
      groups: 1,
      work: 1,
    } as const;
    assertThrows(
      () => device.commands.dispatch({ ...call, bindings: [{ buffer }, { buffer }, { buffer }] }),
      LimitExceededError,
      "8192 bytes",
    );
    device.buffers.release(buffer);
  },
);

gpuTestWith({ memoryBytes: 2 ** 20 }, "MemoryLedger refuses what memory can't hold and goes on", async (device) => {
  assertThrows(() => Tensor.empty(device, [2 ** 20]), MemoryBudgetError, "4.0 MiB more do not fit");
  using x = Tensor.zeros(device, [16]);
  assertEquals([...await x.read()], new Array(16).fill(0));
});

gpuTest("MemoryLedger counts live and peak bytes by label", (device) => {
  device.memory.resetPeak();
  const before = device.memory.peakBytes;
  {
    using _a = Tensor.empty(device, [1024], "f32", "figure test");
    using _b = Tensor.empty(device, [1024], "f32", "figure test");
  }
  const figure = device.memory.figures().find(({ label }) => label === "figure test")!;
  assertEquals([figure.liveBytes, figure.peakBytes], [0, 8192]);
  assertEquals(device.memory.peakBytes - before, 8192);
});

gpuTest("BufferPool lends a released buffer again and refuses a second release", (device) => {
  const first = device.acquire(5000, "pool");
  device.buffers.release(first);
  const second = device.acquire(5000, "pool");
  assertEquals(second.id, first.id);
  device.buffers.release(second);
  assertThrows(() => device.buffers.release(second), Error, "released twice");
});

gpuTest("ReadBack serves reads that were asked for at once, each with its own data", async (device) => {
  using x = Tensor.from(device, new Float32Array([1, 2, 3]), [3]);
  const first = x.read();
  device.commands.write(x.buffer, 0, new Float32Array([4, 5, 6]));
  const second = x.read();
  assertEquals([[...await first], [...await second]], [[1, 2, 3], [4, 5, 6]]);
});

gpuTest("ReadBack survives a buffer that is released while its data is on the way", async (device) => {
  const x = Tensor.from(device, new Float32Array([7, 8]), [2]);
  const reading = x.read();
  x[Symbol.dispose]();
  device.buffers.trim();
  assertEquals([...await reading], [7, 8]);
});

gpuTest("Tensor says so when it is used after it was disposed", (device) => {
  const x = Tensor.zeros(device, [1]);
  x[Symbol.dispose]();
  x[Symbol.dispose]();
  assertThrows(() => x.buffer, Error, "after it was disposed");
});

gpuTest("Profiler times kernels where the adapter has timestamps", async (device) => {
  device.profiler.enabled = true;
  using x = Tensor.zeros(device, [1000]);
  using _y = siluGate(x, x);
  const times = await device.kernelTimes();
  device.profiler.enabled = false;
  if (!device.info.timestamps) return assertEquals(times, []);
  assertEquals(times.map(({ kernel, calls }) => [kernel, calls]), [["silu_gate", 1]]);
  assertGreater(times[0].milliseconds, 0);
  assertLess(times[0].milliseconds, 10_000);
});

gpuTest("Profiler times calls in a row together where it is asked to", async (device) => {
  using x = Tensor.zeros(device, [1000]);
  device.profiler.enabled = device.profiler.together = true;
  using y = siluGate(x, x);
  using _z = siluGate(y, x);
  const times = await device.kernelTimes();
  device.profiler.enabled = device.profiler.together = false;
  if (!device.info.timestamps) return assertEquals(times, []);
  assertEquals(times.map(({ kernel, calls }) => [kernel, calls]), [["silu_gate", 1]]);
  assertGreater(times[0].milliseconds, 0);
});

Deno.test({
  name: "Device throws DeviceLostError once it is disposed",
  sanitizeOps: false,
  async fn() {
    const device = await Device.open();
    const buffer = device.acquire(64, "lost");
    device[Symbol.dispose]();
    assertThrows(
      () =>
        device.commands.dispatch({
          kernel: "silu_gate",
          params: { count: 1 },
          bindings: [{ buffer }, { buffer }, { buffer }],
          groups: 1,
          work: 1,
        }),
      DeviceLostError,
    );
    await assertRejects(async () => await device.readBack.read([]), DeviceLostError);
  },
});

Deno.test("Device refuses options past the adapter's limits", async () => {
  await assertRejects(() => Device.open({ bindingBytes: 2 ** 40 }), LimitExceededError, "bindingBytes");
  await assertRejects(() => Device.open({ groupsPerDimension: 0 }), RangeError, "groupsPerDimension");
});

gpuTest("fma_probe and f16_probe compute what they say", async (device) => {
  const output = device.acquire(256, "probe");
  device.commands.dispatch({
    kernel: "fma_probe",
    types: { Value: "f32" },
    constants: { CHAINS: 2, STEPS: 1, ROUNDS: 2 },
    params: { seed: 0 },
    bindings: [{ buffer: output }],
    groups: 1,
    work: 1,
  });
  const [sums] = await device.readBack.read([{ buffer: output, offset: 0, bytes: 8 }]);
  // Chains of 0 and 1, twice x / 2 + 1 / 4, are 0.375 and 0.625; the sum counts four times, as of a vec4.
  assertEquals([...new Float32Array(sums)], [4, 4]);
  if (device.info.f16) {
    const input = device.acquire(256, "probe");
    device.commands.write(input, 0, new Float32Array([3, 0.1]));
    device.commands.dispatch({
      kernel: "f16_probe",
      types: { Half: "f16" },
      params: { count: 2 },
      bindings: [{ buffer: input }, { buffer: output }],
      groups: 1,
      work: 1,
    });
    const [halves] = await device.readBack.read([{ buffer: output, offset: 0, bytes: 8 }]);
    // 0.1 / 2 + 1 rounds to the nearest half: 1.0498046875.
    assertEquals([...new Float32Array(halves)], [2.5, 1.0498046875]);
    device.buffers.release(input);
  }
  device.buffers.release(output);
});

gpuTest("read_probe reads all of a buffer, and writes next to nothing", async (device) => {
  for (const [count, last, written] of [[37, 0x9e3779b9, 1], [37, 5, 0]]) {
    // Only the last number differs from 0: it is seen where the last vec4 is read, an odd number of times.
    const words = new Uint32Array(4 * count);
    words[words.length - 1] = last;
    using source = Tensor.from(device, words, [words.length]);
    using target = Tensor.zeros(device, [1], "u32");
    device.commands.dispatch({
      kernel: "read_probe",
      constants: { WIDTH: 1 },
      overrides: { WORKGROUP: 64 },
      params: { count },
      bindings: [{ buffer: source.buffer }, { buffer: target.buffer }],
      groups: 1,
      work: count,
    });
    assertEquals([...await target.read()], [written]);
  }
});

gpuTest("copy_probe copies all of a buffer, and no more", async (device) => {
  const source = device.acquire(1024, "probe");
  const target = device.acquire(1024, "probe");
  const numbers = Uint32Array.from({ length: 256 }, (_, index) => index + 1);
  device.commands.write(source, 0, numbers);
  device.commands.clear(target);
  device.commands.dispatch({
    kernel: "copy_probe",
    constants: { WIDTH: 4 },
    params: { count: 60 },
    bindings: [{ buffer: source }, { buffer: target }],
    groups: 1,
    work: 1,
  });
  const [copied] = await device.readBack.read([{ buffer: target, offset: 0, bytes: 1024 }]);
  assertEquals([...new Uint32Array(copied)], [...numbers.map((value, index) => index < 240 ? value : 0)]);
  for (const buffer of [source, target]) device.buffers.release(buffer);
});

gpuTest(
  "Commands: calls that are expected to come again are right where they do, and where others come",
  async (device) => {
    const of = (value: number) => Tensor.from(device, new Float32Array([value]), [1]);
    using one = of(1);
    using two = of(2);
    using four = of(4);
    const sums = async (orders: readonly (readonly [Tensor, Tensor])[]) => {
      device.commands.again();
      const results = orders.map(([a, b]) => add(a, b));
      const found = [];
      for (const result of results) {
        using _owned = result;
        found.push((await result.read())[0]);
      }
      return found;
    };
    assertEquals(await sums([[one, two], [two, four]]), [3, 6]);
    assertEquals(await sums([[one, two], [two, four]]), [3, 6]);
    // Another order, more calls, fewer, another kernel in between, and bind groups that are gone.
    assertEquals(await sums([[two, four], [one, two], [one, one]]), [6, 3, 2]);
    assertEquals(await sums([[two, four]]), [6]);
    device.commands.again();
    using product = multiply(two, four);
    assertEquals((await product.read())[0], 8);
    device.commands.releaseBindGroups();
    assertEquals(await sums([[one, two], [two, four]]), [3, 6]);
  },
);
