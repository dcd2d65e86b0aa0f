/**
 * Every error of the GPU layer, so that one `instanceof` catches them all.
 *
 * @example
 * ```ts
 * import { Device, GpuError } from "@reattention/toolkit/gpu";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * using device = await Device.open({ memoryBytes: 1024 });
 * const error = assertThrows(() => device.acquire(4096, "weights"), GpuError);
 * assertEquals(error.name, "MemoryBudgetError"); // a class of its own for each cause
 * ```
 */
export class GpuError extends Error {
  /** The class's own name, as shown in stack traces. */
  override name = "GpuError";
}

/**
 * No WebGPU adapter was found, or the platform has no WebGPU at all.
 *
 * @example
 * ```ts
 * import { Device, NoAdapterError } from "@reattention/toolkit/gpu";
 * import { assert } from "@std/assert";
 *
 * // Where there is no GPU, not even one in software, a program can go on without.
 * const device = await Device.open().catch((error) => {
 *   if (error instanceof NoAdapterError) return undefined;
 *   throw error;
 * });
 * assert(device === undefined || device.info.bindingBytes > 0);
 * device?.[Symbol.dispose]();
 * ```
 */
export class NoAdapterError extends GpuError {
  /** The class's own name, as shown in stack traces. */
  override name = "NoAdapterError";
}

/**
 * The device was lost (driver reset, removed, or disposed); nothing on it can be used any more.
 *
 * @example
 * ```ts
 * import { Device, DeviceLostError } from "@reattention/toolkit/gpu";
 * import { assertRejects } from "@std/assert";
 *
 * const device = await Device.open();
 * device[Symbol.dispose]();
 * await assertRejects(() => device.finish(), DeviceLostError, "disposed");
 * ```
 */
export class DeviceLostError extends GpuError {
  /** The class's own name, as shown in stack traces. */
  override name = "DeviceLostError";
}

/**
 * A request goes past a limit of the adapter.
 *
 * @example
 * ```ts
 * import { Device, LimitExceededError } from "@reattention/toolkit/gpu";
 * import { assertThrows } from "@std/assert";
 *
 * using device = await Device.open();
 * const bytes = device.info.bufferBytes + 4;
 * assertThrows(() => device.acquire(bytes, "weights"), LimitExceededError, "weights");
 * ```
 */
export class LimitExceededError extends GpuError {
  /** The class's own name, as shown in stack traces. */
  override name = "LimitExceededError";
}

/**
 * A feature the request needs (f16, timestamps) is missing on this adapter.
 *
 * @example
 * ```ts
 * import { Device, FeatureMissingError } from "@reattention/toolkit/gpu";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import { assertThrows } from "@std/assert";
 *
 * using device = await Device.open({ f16: false });
 * const call = { kernel: "raise", types: { T: "f16" }, params: { value: 1 }, groups: 1, work: 1 } as const;
 * using scope = Tensor.zeros(device, [1], "u32");
 * const bindings = [{ buffer: scope.buffer }];
 * assertThrows(() => device.commands.dispatch({ ...call, bindings }), FeatureMissingError, "no working f16");
 * ```
 */
export class FeatureMissingError extends GpuError {
  /** The class's own name, as shown in stack traces. */
  override name = "FeatureMissingError";
}

/**
 * An allocation would go past what memory can hold; refused before anything was allocated.
 *
 * @example
 * ```ts
 * import { Device, MemoryBudgetError } from "@reattention/toolkit/gpu";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * using device = await Device.open({ memoryBytes: 1024 });
 * assertThrows(() => device.acquire(4096, "weights"), MemoryBudgetError, "weights");
 * assertEquals(device.memory.liveBytes, 0); // nothing was allocated
 * ```
 */
export class MemoryBudgetError extends GpuError {
  /** The class's own name, as shown in stack traces. */
  override name = "MemoryBudgetError";
}

/**
 * The driver itself ran out of memory.
 *
 * @example
 * ```ts
 * import { GpuError, MemoryBudgetError, OutOfMemoryError } from "@reattention/toolkit/gpu";
 * import { assert } from "@std/assert";
 *
 * // Only a driver throws it; a program tells it from other errors by its class.
 * const error: unknown = new OutOfMemoryError("buffer weights: out of memory");
 * assert(error instanceof GpuError && !(error instanceof MemoryBudgetError));
 * ```
 */
export class OutOfMemoryError extends GpuError {
  /** The class's own name, as shown in stack traces. */
  override name = "OutOfMemoryError";
}

/**
 * WebGPU refused a call: a defect in a kernel or in its dispatch. Names the kernel and, for shader text, the line.
 *
 * @example
 * ```ts
 * import { ErrorScopes, findAdapter, ValidationError } from "@reattention/toolkit/gpu";
 * import { assertRejects } from "@std/assert";
 *
 * const gpu = await (await findAdapter()).requestDevice();
 * const scopes = new ErrorScopes(gpu);
 * const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.MAP_WRITE; // WebGPU has no such buffers
 * scopes.guard("buffer weights", () => gpu.createBuffer({ size: 16, usage }));
 * await assertRejects(() => scopes.settle(), ValidationError, "buffer weights");
 * gpu.destroy();
 * ```
 */
export class ValidationError extends GpuError {
  /** The class's own name, as shown in stack traces. */
  override name = "ValidationError";
}
