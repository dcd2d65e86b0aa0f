import type { KernelName } from "../gpu/mod.ts";
import { checkDevice, checkType, tensorText } from "./checks.ts";
import { elementBytes } from "./dtype.ts";
import { newTensor } from "./output.ts";
import { sameShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";
import { ELEMENT_THREADS, elementGroups, vectorType, vectorWidth, wideType } from "./vectors.ts";
import { bindElements, bindRows, type RowWindow, rowWindows } from "./windows.ts";

/**
 * Sum of two tensors, element by element: `x + other`.
 *
 * @param x any shape and type
 * @param other the same type, and the same shape or one that is the end of x's: it is then repeated along x's leading axes
 * @returns a new tensor of x's shape and type; f16 is computed in f32, whole numbers wrap around
 * @throws {TypeError} where shapes or types do not fit, naming both.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { add, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2, 3, 4]), [2, 2]);
 * using bias = Tensor.from(device, new Float32Array([10, 20]), [2]);
 * using y = add(x, bias);
 * assertEquals([...await y.read()], [11, 22, 13, 24]);
 * ```
 */
export function add(x: Tensor, other: Tensor): Tensor {
  return binary("add", x, other);
}

/**
 * Product of two tensors, element by element: `x * other`.
 *
 * @param x any shape and type
 * @param other the same type, and the same shape or one that is the end of x's: it is then repeated along x's leading axes
 * @returns a new tensor of x's shape and type; f16 is computed in f32, whole numbers wrap around
 * @throws {TypeError} where shapes or types do not fit, naming both.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { multiply, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2, 3]), [3]);
 * using y = multiply(x, x);
 * assertEquals([...await y.read()], [1, 4, 9]);
 * ```
 */
export function multiply(x: Tensor, other: Tensor): Tensor {
  return binary("multiply", x, other);
}

/**
 * A tensor times one number.
 *
 * @param x any shape, f32 or f16
 * @param factor rounded to f32
 * @returns a new tensor of x's shape and type, computed in f32
 * @throws {TypeError} where the type is another one.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { scale, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2, 3]), [3]);
 * using y = scale(x, 0.5);
 * assertEquals([...await y.read()], [0.5, 1, 1.5]);
 * ```
 */
export function scale(x: Tensor, factor: number): Tensor {
  checkType("scale", x, ["f32", "f16"]);
  const { device, shape, dtype, size } = x;
  return newTensor(device, shape, dtype, (y) => {
    for (const window of rowWindows(device, "scale", size, [elementBytes(dtype)])) {
      const width = vectorWidth(window.count);
      device.commands.dispatch({
        kernel: "scale",
        types: { Element: vectorType(dtype, width), Wide: wideType(dtype, width) },
        params: { count: window.count / width, factor },
        bindings: [bindRows(x, 1, window), bindRows(y, 1, window)],
        groups: Math.ceil(window.count / width / ELEMENT_THREADS),
        work: 12 * window.count,
      });
    }
  });
}

function binary(kernel: KernelName & ("add" | "multiply"), x: Tensor, other: Tensor): Tensor {
  checkDevice(kernel, x, other);
  const fits = sameShape(x.shape.slice(Math.max(0, x.shape.length - other.shape.length)), other.shape);
  if (!fits || x.dtype !== other.dtype) {
    throw new TypeError(
      `${kernel}: ${tensorText(x)} and ${tensorText(other)} must have the same type and shape, ` +
        "or the second's shape must be the end of the first's",
    );
  }
  return newTensor(x.device, x.shape, x.dtype, (y) => {
    for (const { places, others, otherFirst } of pieces(kernel, x, other)) {
      const source = bindElements(x, places.start, places.count);
      const target = bindElements(y, places.start, places.count);
      const width = vectorWidth(places.count, source.first, others.count, otherFirst);
      const { constants, ...cut } = elementGroups(x.device, places.count / width);
      x.device.commands.dispatch({
        kernel,
        types: { Element: vectorType(x.dtype, width), Wide: wideType(x.dtype, width) },
        constants: { REPEATED: others.count < places.count || otherFirst > 0 ? 1 : 0, ...constants },
        ...cut,
        params: {
          count: places.count / width,
          first: source.first / width,
          other_count: others.count / width,
          other_first: otherFirst / width,
        },
        bindings: [source.binding, bindRows(other, 1, others), target.binding],
        work: 12 * places.count,
      });
    }
  });
}

/** Which elements of x meet which elements of the repeated operand in one kernel call. */
interface Piece {
  places: RowWindow;
  others: RowWindow;
  otherFirst: number;
}

function pieces(op: string, x: Tensor, other: Tensor): Piece[] {
  const { device, size } = x;
  const bytes = elementBytes(x.dtype);
  const windows = rowWindows(device, op, size, [bytes]);
  if (size === other.size) return windows.map((places) => ({ places, others: places, otherFirst: 0 }));
  if (other.bytes <= device.commands.limits.bindingBytes) {
    const others = { start: 0, count: other.size };
    return windows.map((places) => ({ places, others, otherFirst: places.start % other.size }));
  }
  // The repeated operand is itself cut: a call must not reach past a cut of either of the two. Half the binding leaves
  // room for pieces of x that start anywhere.
  const all: Piece[] = [];
  const cuts = rowWindows(device, op, other.size, [2 * bytes]);
  for (let first = 0; first < size; first += other.size) {
    for (const part of cuts) {
      all.push({ places: { start: first + part.start, count: part.count }, others: part, otherFirst: 0 });
    }
  }
  return all;
}
