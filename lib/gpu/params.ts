import type { KernelSource } from "../../kernels/sources.ts";

/** Parameters that every kernel has: first_group and group_count. */
const OWN = 2;

/**
 * Writes a kernel's scalar parameters at `offset`, in the order its WGSL struct declares them; its first two are the groups of the
 * call.
 */
export function packParams(
  kernel: KernelSource,
  values: Readonly<Record<string, number>>,
  groups: { readonly first: number; readonly end: number },
  target: DataView,
  offset: number,
): void {
  target.setUint32(offset, groups.first, true);
  target.setUint32(offset + 4, groups.end, true);
  for (let index = OWN; index < kernel.params.length; index++) {
    const { name, type } = kernel.params[index];
    const value = values[name];
    if (value === undefined) {
      throw new TypeError(
        `kernel ${kernel.name}: parameter ${name} was not given`,
      );
    }
    const at = offset + 4 * index;
    if (type === "f32") target.setFloat32(at, value, true);
    else if (type === "i32") target.setInt32(at, value, true);
    else target.setUint32(at, value, true);
  }
  // All that the kernel has were given, so a surplus shows in the number.
  let count = 0;
  for (const _ in values) count++;
  if (count === kernel.params.length - OWN) return;
  const surplus = Object.keys(values).find((name) => !kernel.params.some((param) => param.name === name));
  throw new TypeError(`kernel ${kernel.name}: it has no parameter ${surplus}`);
}

/** Bytes of a kernel's parameter block, rounded up as uniform blocks want it. */
export function paramsBytes(kernel: KernelSource): number {
  return Math.max(16, Math.ceil(kernel.params.length / 4) * 16);
}
