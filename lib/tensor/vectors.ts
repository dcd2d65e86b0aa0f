import type { Device } from "../gpu/mod.ts";
import type { DType } from "./dtype.ts";

/** Elements that a kernel takes as one: four where all of these counts and places are whole fours. */
export function vectorWidth(...counts: readonly number[]): 1 | 4 {
  return counts.every((count) => count % 4 === 0) ? 4 : 1;
}

/** A kernel's name for `width` elements of a type. */
export function vectorType(dtype: DType, width: 1 | 4): string {
  return width === 4 ? `vec4<${dtype}>` : dtype;
}

/** The type that numbers of a type are computed in: f32 for halves. */
export function wideType(dtype: DType, width: 1 | 4): string {
  return vectorType(dtype === "f16" ? "f32" : dtype, width);
}

/** Threads of a workgroup that goes over elements. */
export const ELEMENT_THREADS = 64;

/** How a kernel that goes over `count` elements is cut: elements of a thread (its constant WIDTH), and workgroups. */
export function elementGroups({ info }: Device, count: number): { WIDTH: number; groups: number } {
  // A GPU needs many loads under way; few elements are better spread over all its threads.
  const WIDTH = !info.software && count >= 2 ** 20 ? 4 : 1;
  return { WIDTH, groups: Math.ceil(count / ELEMENT_THREADS / WIDTH) };
}
