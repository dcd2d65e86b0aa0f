/**
 * Run by driver_memory_test.ts in a process of its own: limits the process's address space, has the driver run out of memory, and
 * prints what came of it as JSON.
 */

import { nameRuntimeFolder } from "../../../experiments/setup/runtime_folder.ts";
import { Device } from "../../../lib/gpu/mod.ts";
import { add, Tensor } from "../../../lib/tensor/mod.ts";

nameRuntimeFolder();
/** What the process may take beyond what it has: a few of the tensors below, and what the driver needs for itself. */
const MORE_BYTES = 2 ** 30;
const TENSORS = 32;
const ELEMENTS = 2 ** 25;

// The ledger would refuse before the driver does.
const device = await Device.open({ memoryBytes: 2 ** 40 });
{
  using x = Tensor.from(device, new Float32Array([1, 2]), [2]);
  using sum = add(x, x);
  await sum.read();
}
const kibibytes = Number(/^VmSize:\s+(\d+)/m.exec(Deno.readTextFileSync("/proc/self/status"))![1]);
const limited = await new Deno.Command("prlimit", {
  args: ["--pid", String(Deno.pid), `--as=${1024 * kibibytes + MORE_BYTES}`],
}).output();
let error: Error | undefined;
const held: Tensor[] = [];
try {
  for (let count = 0; count < TENSORS; count++) {
    held.push(Tensor.zeros(device, [ELEMENTS], "f32", "too much"));
    if (count % 4 === 3) await device.finish();
  }
} catch (caught) {
  error = caught as Error;
}
for (const tensor of held) tensor[Symbol.dispose]();
device.buffers.trim();
const right: boolean[] = [];
for (let repeat = 0; repeat < 3; repeat++) {
  using x = Tensor.from(device, Float32Array.from({ length: 1000 }, (_, index) => index), [1000]);
  using sum = add(x, x);
  right.push((await sum.read()).every((value, index) => value === 2 * index));
}
console.log(JSON.stringify({
  limited: limited.success,
  name: error?.name,
  message: error?.message,
  held: held.length,
  right,
  liveBytes: device.memory.liveBytes,
}));
device[Symbol.dispose]();
