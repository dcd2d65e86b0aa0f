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
    (rowsStep, bytes) => leastCommonMultiple(rowsStep, alignedRows(bytes, offsetAlignment)),
    1,
  );
  const count = Math.floor(bindingBytes / largest / step) * step;
  if (count === 0) {
    throw new LimitExceededError(
      `${op}: ${step} rows of ${largest} bytes do not fit one binding of ${bindingBytes} bytes; use shorter rows`,
    );
  }
  return cut(rows, count);
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

/** A stretch of a tensor as a kernel sees it that takes the place of its first element as a parameter. */
export interface Stretch {
  /** What to bind. */
  binding: Binding;
  /** Place of the stretch's first element in the binding. */
  first: number;
}

/**
 * How many of `rows` rows one binding holds, wherever the first one starts; 0 where not even one fits. `whole` tells that
 * the rows are all that the tensor has: then nothing comes before them, and no room is lost to alignment.
 */
export function rowsPerBinding(device: Device, rows: number, rowBytes: number, whole = true): number {
  const { bindingBytes, offsetAlignment } = device.commands.limits;
  if (whole && rows * rowBytes <= bindingBytes) return rows;
  return Math.min(rows, Math.floor(Math.max(0, bindingBytes - offsetAlignment) / rowBytes));
}

/**
 * Cuts `rows` into windows in which every operand's rows fit one storage binding; they may start anywhere (see `bindElements`).
 *
 * @throws {LimitExceededError} where a single row does not fit.
 */
export function freeWindows(
  device: Device,
  op: string,
  rows: number,
  rowBytes: readonly number[],
): RowWindow[] {
  const count = Math.min(rows, ...rowBytes.map((bytes) => rowsPerBinding(device, rows, bytes)));
  if (rows > 0 && count === 0) {
    throw new LimitExceededError(
      `${op}: a row of ${Math.max(...rowBytes)} bytes does not fit one binding of ` +
        `${device.commands.limits.bindingBytes} bytes; use shorter rows`,
    );
  }
  return cut(rows, count);
}

/** Cuts `rows` into windows of `count` rows; the last one may be shorter. */
export function cut(rows: number, count: number): RowWindow[] {
  const windows: RowWindow[] = [];
  for (let start = 0; start < rows; start += count) {
    windows.push({ start, count: Math.min(count, rows - start) });
  }
  return windows;
}

/** Binds elements `start` to `start + count` of a tensor, from the aligned place at or before the first one on. */
export function bindElements(tensor: Tensor, start: number, count: number): Stretch {
  const bytes = elementBytes(tensor.dtype);
  const alignment = tensor.device.commands.limits.offsetAlignment / bytes;
  const from = Math.floor(start / alignment) * alignment;
  return {
    binding: { buffer: tensor.buffer, offset: from * bytes, bytes: (start - from + count) * bytes },
    first: start - from,
  };
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
