import { assertEquals } from "@std/assert";
import { nameRuntimeFolder } from "../experiments/setup/runtime_folder.ts";
import { Device, type DeviceOptions } from "../lib/gpu/mod.ts";

nameRuntimeFolder();

let shared: Promise<Device> | undefined;

/**
 * A test on the GPU: runs on one device per file, and fails on any GPU error and on any buffer left alive.
 * The device outlives the test, which Deno's sanitizers would otherwise call a leak.
 */
export function gpuTest(name: string, run: (device: Device) => Promise<void> | void): void {
  Deno.test({
    name,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const device = await (shared ??= Device.open());
      await checked(device, run);
    },
  });
}

/** The same on a device of its own, with limits lowered to reach the paths of very large tensors. */
export function gpuTestWith(options: DeviceOptions, name: string, run: (device: Device) => Promise<void> | void): void {
  Deno.test({
    name,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      using device = await Device.open(options);
      await checked(device, run);
    },
  });
}

async function checked(device: Device, run: (device: Device) => Promise<void> | void): Promise<void> {
  const before = device.memory.liveBuffers;
  await run(device);
  await device.finish();
  assertEquals(device.memory.liveBuffers, before, "buffers left alive");
}
