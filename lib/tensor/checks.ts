import type { DType } from "./dtype.ts";
import { elementCount, sameShape, shapeText } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** Names a tensor in a message: its shape and type. */
export function tensorText(tensor: Pick<Tensor, "shape" | "dtype">): string {
  return `${shapeText(tensor.shape)} ${tensor.dtype}`;
}

/** @throws {TypeError} unless the tensor's type is one of `allowed`. */
export function checkType(
  op: string,
  tensor: Pick<Tensor, "shape" | "dtype">,
  allowed: readonly DType[],
): void {
  if (allowed.includes(tensor.dtype)) return;
  throw new TypeError(
    `${op}: ${tensorText(tensor)} must be of type ${allowed.join(" or ")}`,
  );
}

/** @throws {TypeError} unless both tensors are on one device and have one shape and one of the `allowed` types. */
export function checkSame(
  op: string,
  a: Tensor,
  b: Tensor,
  allowed: readonly DType[],
): void {
  checkDevice(op, a, b);
  checkType(op, a, allowed);
  if (sameShape(a.shape, b.shape) && a.dtype === b.dtype) return;
  throw new TypeError(
    `${op}: ${tensorText(a)} and ${tensorText(b)} must have the same shape and type`,
  );
}

/** @throws {TypeError} unless both tensors are on one device. */
export function checkDevice(op: string, a: Pick<Tensor, "device">, b: Pick<Tensor, "device">): void {
  if (a.device !== b.device) {
    throw new TypeError(`${op}: the tensors are on different devices`);
  }
}

/**
 * Splits a shape into rows along the last axis.
 *
 * @returns the number of rows and the size of one
 * @throws {TypeError} where there is no axis.
 */
export function rowsOf(op: string, tensor: Tensor): { rows: number; size: number } {
  const { shape } = tensor;
  if (shape.length === 0) {
    throw new TypeError(`${op}: ${tensorText(tensor)} must have at least one axis`);
  }
  return { rows: elementCount(shape.slice(0, -1)), size: shape[shape.length - 1] };
}
