/**
 * The device layer: adapter and limits, buffers, pipelines, commands, read-back, profiler and memory figures.
 * It knows nothing of shapes, types or attention.
 *
 * @module
 */
export { type AdapterInfo, describeAdapter, findAdapter } from "./adapter.ts";
export { BindGroups, type Binding, type BufferBinding } from "./bind_groups.ts";
export { BufferPool, type PooledBuffer } from "./buffers.ts";
export { Commands } from "./commands.ts";
export type { CommandLimits, Dispatch } from "./dispatch.ts";
export { Device, type DeviceInfo, type DeviceOptions } from "./device.ts";
export { ErrorScopes } from "./error_scopes.ts";
export * from "./errors.ts";
export { ImagePool, type ImageSize, type PooledImage } from "./images.ts";
export { KernelChoices, type KernelOption, type WorkgroupLimits } from "./kernel_choices.ts";
export { type MemoryFigure, MemoryLedger } from "./ledger.ts";
export { Pacing } from "./pacing.ts";
export { type KernelVariant, type Pipeline, PipelineCache } from "./pipelines.ts";
export { type KernelTime, Profiler } from "./profiler.ts";
export { ReadBack, type ReadRange } from "./read_back.ts";
export { readTunedChoices, type TunedChoices, tunedChoicesPath } from "./tuned_choices.ts";
export type { KernelBinding, KernelName, KernelParam, KernelSource } from "../../kernels/sources.ts";
