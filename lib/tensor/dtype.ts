/** Element types of tensors. */
export type DType = "f32" | "f16" | "i32" | "u32";

/** Host arrays that hold a tensor's elements; f16 travels as its 16-bit patterns. */
export type TensorData =
  | Float32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>;

/**
 * Bytes of one element.
 *
 * @example
 * ```ts
 * import { elementBytes } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([elementBytes("f32"), elementBytes("f16")], [4, 2]);
 * ```
 */
export function elementBytes(dtype: DType): number {
  return dtype === "f16" ? 2 : 4;
}

/** Views raw bytes as elements of `dtype`. */
export function viewAs(dtype: DType, bytes: ArrayBuffer): TensorData {
  if (dtype === "f32") return new Float32Array(bytes);
  if (dtype === "i32") return new Int32Array(bytes);
  if (dtype === "u32") return new Uint32Array(bytes);
  return new Uint16Array(bytes);
}

/**
 * The element type that a host array holds.
 *
 * @example
 * ```ts
 * import { dtypeOf } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(dtypeOf(new Float32Array(2)), "f32");
 * ```
 */
export function dtypeOf(data: TensorData): DType {
  if (data instanceof Float32Array) return "f32";
  if (data instanceof Int32Array) return "i32";
  if (data instanceof Uint32Array) return "u32";
  return "f16";
}
