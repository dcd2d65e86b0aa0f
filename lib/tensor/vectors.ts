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

/** How a kernel that goes over elements is cut. */
export interface ElementGroups {
  /** Its constant: elements of a thread. */
  readonly constants: { readonly WIDTH: number };
  /** Its workgroup size. */
  readonly overrides: { readonly WORKGROUP: number };
  /** Workgroups. */
  readonly groups: number;
}

/** How a kernel that goes over `count` elements is cut. */
export function elementGroups({ info, choices }: Device, count: number): ElementGroups {
  // A GPU needs many loads under way; few elements are better spread over all its threads. On an H100 workgroups of 64 added
  // and gathered at 2.4 to 2.6 TB/s, those of 128 and 256 at 2.9 to 3.0.
  const many = !info.software && count >= 2 ** 20;
  const WIDTH = many ? 4 : 1;
  const WORKGROUP = many ? choices.threads(256) : ELEMENT_THREADS;
  return { constants: { WIDTH }, overrides: { WORKGROUP }, groups: Math.ceil(count / WORKGROUP / WIDTH) };
}
