import type { DType } from "./dtype.ts";
import { sameShape, shapeText } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** Names a tensor in a message: its shape and type. */
export function tensorText(tensor: Tensor): string {
  return `${shapeText(tensor.shape)} ${tensor.dtype}`;
}

/** @throws {TypeError} unless the tensor's type is one of `allowed`. */
export function checkType(
  op: string,
  tensor: Tensor,
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
    `${op}: ${tensorText(a)} and ${
      tensorText(b)
    } must have the same shape and type`,
  );
}

/** @throws {TypeError} unless both tensors are on one device. */
export function checkDevice(op: string, a: Tensor, b: Tensor): void {
  if (a.device !== b.device) {
    throw new TypeError(`${op}: the tensors are on different devices`);
  }
}
