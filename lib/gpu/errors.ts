/** Every error of the GPU layer, so that one `instanceof` catches them all. */
export class GpuError extends Error {
  /** The class's own name, as shown in stack traces. */
  override name = "GpuError";
}

/** No WebGPU adapter was found, or the platform has no WebGPU at all. */
export class NoAdapterError extends GpuError {
  /** The class's own name, as shown in stack traces. */
  override name = "NoAdapterError";
}

/** The device was lost (driver reset, removed, or disposed); nothing on it can be used any more. */
export class DeviceLostError extends GpuError {
  /** The class's own name, as shown in stack traces. */
  override name = "DeviceLostError";
}

/** A request goes past a limit of the adapter. */
export class LimitExceededError extends GpuError {
  /** The class's own name, as shown in stack traces. */
  override name = "LimitExceededError";
}

/** A feature the request needs (f16, timestamps) is missing on this adapter. */
export class FeatureMissingError extends GpuError {
  /** The class's own name, as shown in stack traces. */
  override name = "FeatureMissingError";
}

/** An allocation would go past what memory can hold; refused before anything was allocated. */
export class MemoryBudgetError extends GpuError {
  /** The class's own name, as shown in stack traces. */
  override name = "MemoryBudgetError";
}

/** The driver itself ran out of memory. */
export class OutOfMemoryError extends GpuError {
  /** The class's own name, as shown in stack traces. */
  override name = "OutOfMemoryError";
}

/** WebGPU refused a call: a defect in a kernel or in its dispatch. Names the kernel and, for shader text, the line. */
export class ValidationError extends GpuError {
  /** The class's own name, as shown in stack traces. */
  override name = "ValidationError";
}
