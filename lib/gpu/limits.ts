/** What the toolkit asks a device for, above WebGPU's defaults, as far as the adapter grants it. */
const RAISED: readonly (keyof GPUSupportedLimits & string)[] = [
  "maxBufferSize", // caches and weights
  "maxStorageBufferBindingSize", // fewer windows over long tensors
  "maxStorageBuffersPerShaderStage", // selection in two calls
  "maxComputeWorkgroupStorageSize", // longer blocks in top-k
  "maxTextureDimension2D", // images of matrices
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
];

/** The limits to request from `adapter`. */
export function raisedLimits(adapter: GPUAdapter): Record<string, number> {
  return Object.fromEntries(
    RAISED.map((name) => [name, adapter.limits[name] as number]),
  );
}
