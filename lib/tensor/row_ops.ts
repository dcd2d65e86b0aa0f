import type { KernelName } from "../gpu/mod.ts";
import { elementBytes } from "./dtype.ts";
import type { Tensor } from "./tensor.ts";
import { bindElements, freeWindows } from "./windows.ts";

/** A kernel that takes one workgroup per row of its input. */
export interface RowKernel {
  /** The kernel. */
  kernel: KernelName;
  /** Element types put before its text. */
  types: Readonly<Record<string, string>>;
  /** Its parameters besides `size`, `x_first` and `y_first`. */
  params?: Readonly<Record<string, number>>;
  /** Operand bound whole between input and output. */
  weight?: Tensor;
  /** Multiply-adds per element, about. */
  workPerElement: number;
}

/**
 * Runs a kernel over the rows of x [rows, size] into y [rows, outputSize], in as many calls as bindings ask for.
 *
 * @throws {LimitExceededError} where one row does not fit a binding.
 */
export function runOverRows(
  op: string,
  x: Tensor,
  y: Tensor,
  size: number,
  outputSize: number,
  { kernel, types, params, weight, workPerElement }: RowKernel,
): void {
  if (y.size === 0) return;
  const rows = y.size / outputSize;
  const rowBytes = [size * elementBytes(x.dtype), outputSize * elementBytes(y.dtype)];
  for (const { start, count } of freeWindows(x.device, op, rows, rowBytes)) {
    const source = bindElements(x, start * size, count * size);
    const target = bindElements(y, start * outputSize, count * outputSize);
    x.device.commands.dispatch({
      kernel,
      types,
      params: { ...params, size, x_first: source.first, y_first: target.first },
      bindings: [source.binding, ...(weight ? [{ buffer: weight.buffer }] : []), target.binding],
      groups: count,
      work: workPerElement * count * (size + 64),
    });
  }
}
