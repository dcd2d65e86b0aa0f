import { type Dense, dense, type Numbers } from "./dense.ts";

/** Types of elements, by their names on the GPU. */
export type ReferenceDType = "f32" | "f16" | "i32" | "u32";

/**
 * Converts elements to another type, as the kernel does.
 *
 * Floats become whole numbers by dropping the fraction, clamped to the target's range; NaN gives 0. To f16 values are
 * rounded to nearest, ties to even, subnormals included, and to infinity from 65,520 on; whole numbers go to f16 by way
 * of f32. i32 and u32 convert into each other modulo 2^32.
 *
 * @param x any shape; an Int32Array or Uint32Array holds whole numbers, any other array floats
 * @param dtype the new type
 * @returns x's shape; f32 and f16 as Float32Array (f16 values are f32 values), i32 as Int32Array, u32 as Uint32Array
 *
 * @example
 * ```ts
 * import { cast, dense } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...cast(dense([1.9, -1.9, -5e9], [3]), "i32").data], [1, -1, -(2 ** 31)]);
 * assertEquals([...cast(dense([1 + 2 ** -11, 65520], [2]), "f16").data], [1, Infinity]);
 * ```
 */
export function cast(x: Dense, dtype: "f32" | "f16"): Dense<Float32Array<ArrayBuffer>>;
/**
 * To i32.
 *
 * @example
 * ```ts
 * import { cast, dense } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...cast(dense([1.9, -1.9, NaN], [3]), "i32").data], [1, -1, 0]);
 * ```
 */
export function cast(x: Dense, dtype: "i32"): Dense<Int32Array<ArrayBuffer>>;
/**
 * To u32.
 *
 * @example
 * ```ts
 * import { cast, dense } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...cast(dense([1.9, -1.9, 5e9], [3]), "u32").data], [1, 0, 2 ** 32 - 1]);
 * ```
 */
export function cast(x: Dense, dtype: "u32"): Dense<Uint32Array<ArrayBuffer>>;
/**
 * To a type known only when it runs.
 *
 * @example
 * ```ts
 * import { cast, dense, type ReferenceDType } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const types: ReferenceDType[] = ["f32", "i32"];
 * assertEquals(types.map((type) => [...cast(dense([1.5], [1]), type).data]), [[1.5], [1]]);
 * ```
 */
export function cast(x: Dense, dtype: ReferenceDType): Dense;
export function cast(x: Dense, dtype: ReferenceDType): Dense {
  return dense(converted(x.data, dtype), x.shape);
}

/**
 * Rounds a number to the nearest f16, ties to even.
 *
 * @param value any number; it is rounded to f32 first, which is what a kernel would hold
 * @returns the f16's value; infinity from 65,520 on
 *
 * @example
 * ```ts
 * import { roundToHalf } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(roundToHalf(2049), 2048); // f16 counts in twos there
 * ```
 */
export function roundToHalf(value: number): number {
  const single = Math.fround(value);
  if (!Number.isFinite(single) || single === 0) return single;
  // Steps between f16 values: 2^-24 among subnormals, then 2^-10 of the power of two below.
  let power = 2 ** -14;
  while (2 * power <= Math.abs(single)) power *= 2;
  const rounded = roundToEven(single / (power * 2 ** -10)) * (power * 2 ** -10);
  return Math.abs(rounded) > 65504 ? Math.sign(single) * Infinity : rounded;
}

function roundToEven(value: number): number {
  const magnitude = Math.abs(value);
  const floor = Math.floor(magnitude);
  const rest = magnitude - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  return value < 0 ? -rounded : rounded;
}

function converted(data: Numbers, dtype: ReferenceDType): Numbers {
  const whole = data instanceof Int32Array || data instanceof Uint32Array;
  switch (dtype) {
    case "f32":
      return Float32Array.from(data);
    case "f16":
      return Float32Array.from(data, roundToHalf);
    // Typed arrays themselves take whole numbers modulo 2^32.
    case "i32":
      return Int32Array.from(data, whole ? undefined : (value) => truncated(value, -(2 ** 31), 2 ** 31 - 1));
    case "u32":
      return Uint32Array.from(data, whole ? undefined : (value) => truncated(value, 0, 2 ** 32 - 1));
  }
}

function truncated(value: number, least: number, most: number): number {
  if (Number.isNaN(value)) return 0;
  return Math.min(Math.max(Math.trunc(Math.fround(value)), least), most);
}
