import { type Binding, type Device, LimitExceededError } from "../gpu/mod.ts";
import { elementBytes } from "./dtype.ts";
import type { Tensor } from "./tensor.ts";

/** A run of rows that fits one binding of every operand. */
export interface RowWindow {
  /** First row. */
  start: number;
  /** Number of rows. */
  count: number;
}

/**
 * Cuts `rows` into windows in which every operand's rows fit one storage binding and start at an aligned offset.
 *
 * `rowBytes` are the bytes of one row of each operand that is cut along with the others.
 *
 * @throws {LimitExceededError} where even the fewest rows that keep offsets aligned do not fit.
 */
export function rowWindows(
  device: Device,
  op: string,
  rows: number,
  rowBytes: readonly number[],
): RowWindow[] {
  const { bindingBytes, offsetAlignment } = device.commands.limits;
  const largest = Math.max(1, ...rowBytes);
  if (rows * largest <= bindingBytes) {
    return rows ? [{ start: 0, count: rows }] : [];
  }
  const step = rowBytes.reduce(
    (rowsStep, bytes) =>
      leastCommonMultiple(rowsStep, alignedRows(bytes, offsetAlignment)),
    1,
  );
  const count = Math.floor(bindingBytes / largest / step) * step;
  if (count === 0) {
    throw new LimitExceededError(
      `${op}: ${step} rows of ${largest} bytes do not fit one binding of ${bindingBytes} bytes; use shorter rows`,
    );
  }
  const windows: RowWindow[] = [];
  for (let start = 0; start < rows; start += count) {
    windows.push({ start, count: Math.min(count, rows - start) });
  }
  return windows;
}

/** Binds `count` rows of a tensor from row `start` on, each of `rowSize` elements. */
export function bindRows(
  tensor: Tensor,
  rowSize: number,
  { start, count }: RowWindow,
): Binding {
  const bytes = rowSize * elementBytes(tensor.dtype);
  return { buffer: tensor.buffer, offset: start * bytes, bytes: count * bytes };
}

function alignedRows(bytes: number, alignment: number): number {
  return bytes === 0 ? 1 : alignment / greatestCommonDivisor(bytes, alignment);
}

function leastCommonMultiple(a: number, b: number): number {
  return a / greatestCommonDivisor(a, b) * b;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
