import { assertEquals, assertThrows } from "@std/assert";
import { Device } from "../../lib/gpu/mod.ts";
import { add, Tensor, zeros } from "../../lib/tensor/mod.ts";
import { gpuTest } from "../gpu_test_device.ts";

gpuTest("Tensor.from and read keep every type's elements, odd numbers of half floats too", async (device) => {
  const arrays = [
    new Float32Array([1.5, -2]),
    new Int32Array([-1, 2, 3]),
    new Uint32Array([0xffffffff]),
    new Uint16Array([0x3c00, 0xc000, 0x7bff]),
  ];
  const types = ["f32", "i32", "u32", "f16"];
  for (const [index, array] of arrays.entries()) {
    using x = Tensor.from(device, array, [array.length]);
    assertEquals(x.dtype, types[index]);
    assertEquals(await x.read(), array);
  }
});

gpuTest("Tensor frees its buffer with its last owner", (device) => {
  const before = device.memory.liveBuffers;
  const x = zeros(device, [2, 3]);
  const view = x.reshape([6]);
  assertEquals(device.memory.liveBuffers, before + 1);
  x[Symbol.dispose]();
  x[Symbol.dispose]();
  assertEquals(device.memory.liveBuffers, before + 1);
  assertThrows(() => x.buffer, Error, "used after it was disposed");
  view[Symbol.dispose]();
  assertEquals(device.memory.liveBuffers, before);
});

gpuTest("Tensor refuses shapes that its data does not fill", (device) => {
  using x = zeros(device, [2, 3]);
  assertThrows(() => x.reshape([5]), TypeError, "reshape: [2, 3] does not hold the elements of [5]");
  assertThrows(
    () => Tensor.from(device, new Float32Array(5), [2, 3]),
    TypeError,
    "5 elements do not fill shape [2, 3]",
  );
  assertThrows(() => zeros(device, [1.5]), TypeError, "[1.5]");
  assertThrows(() => zeros(device, [-1]), TypeError, "[-1]");
});

gpuTest("Tensor of no elements reads back empty", async (device) => {
  using x = zeros(device, [3, 0, 2]);
  assertEquals(x.size, 0);
  assertEquals((await x.read()).length, 0);
});

gpuTest("Tensor operations refuse tensors of different devices", async (device) => {
  using other = await Device.open({ f16: false });
  using x = zeros(device, [2]);
  using y = zeros(other, [2]);
  assertThrows(() => add(x, y), TypeError, "add: the tensors are on different devices");
  assertThrows(() => zeros(other, [2], "f16"), TypeError, "use f32");
});
