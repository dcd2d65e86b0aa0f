import type { Binding } from "./bind_groups.ts";
import type { PooledBuffer } from "./buffers.ts";
import type { KernelVariant } from "./pipelines.ts";

/** One kernel call. */
export interface Dispatch extends KernelVariant {
  /** Scalars by the names in the kernel's Params struct, except `first_group` and `group_count`, which are filled in. */
  params: Readonly<Record<string, number>>;
  /** Storage bindings in order, from binding 1 on. */
  bindings: readonly Binding[];
  /** Number of workgroups; the kernel sees them as one linear index. Zero does nothing. */
  groups: number;
  /** Where the GPU itself wrote the grid (three u32): `groups` is then only the upper bound. */
  indirect?: { buffer: PooledBuffer; offset: number };
  /** Work in multiply-adds, about: keeps submits short. */
  work: number;
}

/** Limits that shape how work is cut. */
export interface CommandLimits {
  /** Workgroups per grid dimension. */
  groupsPerDimension: number;
  /** Bytes of one storage binding. */
  bindingBytes: number;
  /** Alignment of binding offsets in bytes. */
  offsetAlignment: number;
}
