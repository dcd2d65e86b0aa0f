import { NoAdapterError } from "./errors.ts";

/** What is known about an adapter before a device is made on it. */
export interface AdapterInfo {
  /** The adapter's name as its driver gives it. */
  name: string;
  /** Vendor as the driver gives it. */
  vendor: string;
  /** True where the "GPU" is a program on the CPU, such as llvmpipe. */
  software: boolean;
  /** Whether shaders may use half floats (before the numeric probe). */
  f16: boolean;
  /** Whether GPU time can be measured. */
  timestamps: boolean;
}

/** The command that puts a software adapter on Debian or Ubuntu, for error messages. */
const INSTALL = "apt-get install -y mesa-vulkan-drivers libvulkan1";

/**
 * Finds a WebGPU adapter, the fastest one first.
 *
 * @throws {NoAdapterError} where the platform has no WebGPU or no adapter; the message says how to get one.
 *
 * @example
 * ```ts
 * import { findAdapter } from "@reattention/toolkit/gpu";
 * import { assertEquals } from "@std/assert";
 *
 * const adapter = await findAdapter();
 * assertEquals(adapter.limits.maxBufferSize > 0, true);
 * ```
 */
export async function findAdapter(): Promise<GPUAdapter> {
  const gpu = (globalThis.navigator as { gpu?: GPU } | undefined)?.gpu;
  if (!gpu) {
    throw new NoAdapterError(
      "this platform has no WebGPU: use Deno 2.9 or later, or a browser that has it",
    );
  }
  const adapter = await gpu.requestAdapter({
    powerPreference: "high-performance",
  });
  if (adapter) return adapter;
  throw new NoAdapterError(
    `no WebGPU adapter: install a Vulkan driver, or the software adapter (on Debian and Ubuntu: ${INSTALL}); \`deno task setup\` does it`,
  );
}

/**
 * Describes an adapter.
 *
 * @example
 * ```ts
 * import { describeAdapter, findAdapter } from "@reattention/toolkit/gpu";
 * import { assertEquals } from "@std/assert";
 *
 * const { name, software } = describeAdapter(await findAdapter());
 * assertEquals([typeof name, typeof software], ["string", "boolean"]);
 * ```
 */
export function describeAdapter(adapter: GPUAdapter): AdapterInfo {
  const info = adapter.info as GPUAdapterInfo & { isFallbackAdapter?: boolean };
  const name = info.description || info.device || info.architecture ||
    "unnamed adapter";
  return {
    name,
    vendor: info.vendor,
    software: Boolean(info.isFallbackAdapter) ||
      /llvmpipe|lavapipe|swiftshader/i.test(name),
    f16: adapter.features.has("shader-f16"),
    timestamps: adapter.features.has("timestamp-query"),
  };
}
