import type { Device, KernelName, KernelVariant } from "../gpu/mod.ts";
import { elementBytes } from "./dtype.ts";
import type { Tensor } from "./tensor.ts";
import { vectorWidth } from "./vectors.ts";
import { bindElements, freeWindows } from "./windows.ts";

/** A kernel that takes one workgroup per row of its input. */
export interface RowKernel {
  /** The kernel. */
  kernel: KernelName;
  /**
   * The same for rows of whole vec4s, if there is one; its sizes and places count vec4s. It may hold rows in registers, and want
   * at most so many threads a row (default 256).
   */
  wide?: { kernel: KernelName; outputWidth: 1 | 4; holds?: boolean; threads?: number };
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
  { kernel, wide, types, params, weight, workPerElement }: RowKernel,
): void {
  if (y.size === 0) return;
  const rows = y.size / outputSize;
  const rowBytes = [size * elementBytes(x.dtype), outputSize * elementBytes(y.dtype)];
  for (const { start, count } of freeWindows(x.device, op, rows, rowBytes)) {
    const source = bindElements(x, start * size, count * size);
    const target = bindElements(y, start * outputSize, count * outputSize);
    const outputFirst = wide?.outputWidth === 4 ? target.first : 0;
    const whole = wide && vectorWidth(size, source.first, outputFirst) === 4 ? wide : undefined;
    const width = whole ? 4 : 1;
    x.device.commands.dispatch({
      kernel: whole?.kernel ?? kernel,
      types,
      ...(whole && wideVariant(x.device, size / 4, whole)),
      params: {
        ...params,
        size: size / width,
        x_first: source.first / width,
        y_first: target.first / (whole?.outputWidth ?? 1),
      },
      bindings: [source.binding, ...(weight ? [{ buffer: weight.buffer }] : []), target.binding],
      groups: count,
      work: workPerElement * count * (size + 64),
    });
  }
}

/** Most vec4s that a thread holds. */
const MOST_HELD = 4;

/** How a row of so many vec4s is shared. A software adapter runs eight lanes at a time, and pays for each barrier of more. */
function wideVariant(
  { info, choices }: Device,
  vectors: number,
  { holds = false, threads = 256 }: NonNullable<RowKernel["wide"]>,
): Partial<KernelVariant> {
  const WORKGROUP = info.software ? 16 : Math.max(32, choices.threads(Math.min(threads, vectors)));
  const held = Math.ceil(vectors / WORKGROUP);
  return {
    overrides: { WORKGROUP },
    ...(holds && { constants: { HELD: held <= MOST_HELD ? held : 0 } }),
  };
}
