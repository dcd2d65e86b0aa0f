import { elementBytes } from "./dtype.ts";
import { elementCount, type Shape, shapeText } from "./shape.ts";
import type { Tensor } from "./tensor.ts";
import { bindElements, freeWindows, type RowWindow } from "./windows.ts";

const WORKGROUP = 64;
const AXES = 6;

/** A block of elements and where it lies in the two tensors of a copy; all in elements. */
export interface StridedBlock {
  /** Sizes of the block's axes. */
  sizes: readonly number[];
  /** Steps of the axes in the source. */
  xStrides: readonly number[];
  /** Steps of the axes in the target. */
  yStrides: readonly number[];
  /** Where the block starts in the source. */
  xOffset: number;
  /** Where the block starts in the target. */
  yOffset: number;
}

/** Steps of a dense row-major tensor's axes. */
export function denseStrides(shape: Shape): number[] {
  return shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
}

/**
 * Copies a block of elements from x to y, which have the same type.
 *
 * @throws {TypeError} where the block needs more than six axes, counting neighbours that lie alike as one.
 */
export function stridedCopy(op: string, x: Tensor, y: Tensor, block: StridedBlock): void {
  const total = elementCount(block.sizes);
  if (total === 0) return;
  const { device, dtype } = x;
  const merged = mergeAxes(op, block);
  const named = namedParams(merged);
  const xWindows = freeWindows(device, op, x.size, [elementBytes(dtype)]);
  const yWindows = freeWindows(device, op, y.size, [elementBytes(dtype)]);
  for (const yWindow of yWindows) {
    for (const xWindow of xWindows) {
      const { start, count } = covered(merged, total, xWindow, yWindow);
      if (count <= 0) continue;
      const source = bindElements(x, xWindow.start, xWindow.count);
      const target = bindElements(y, yWindow.start, yWindow.count);
      device.commands.dispatch({
        kernel: "strided_copy",
        types: { Element: dtype },
        params: {
          ...named,
          start,
          count,
          x_offset: merged.xOffset,
          x_window: xWindow.start,
          x_count: xWindow.count,
          x_first: source.first,
          y_offset: merged.yOffset,
          y_window: yWindow.start,
          y_count: yWindow.count,
          y_first: target.first,
        },
        bindings: [source.binding, target.binding],
        groups: Math.ceil(count / WORKGROUP),
        work: 32 * count,
      });
    }
  }
}

/** Drops axes of size 1 and joins neighbours that are one run in both tensors. */
function mergeAxes(op: string, block: StridedBlock): StridedBlock {
  const sizes: number[] = [];
  const xStrides: number[] = [];
  const yStrides: number[] = [];
  block.sizes.forEach((size, axis) => {
    if (size === 1) return;
    const last = sizes.length - 1;
    const joins = last >= 0 && xStrides[last] === size * block.xStrides[axis] &&
      yStrides[last] === size * block.yStrides[axis];
    if (joins) {
      sizes[last] *= size;
      xStrides[last] = block.xStrides[axis];
      yStrides[last] = block.yStrides[axis];
    } else {
      sizes.push(size);
      xStrides.push(block.xStrides[axis]);
      yStrides.push(block.yStrides[axis]);
    }
  });
  if (sizes.length > AXES) {
    throw new TypeError(
      `${op}: a block of shape ${shapeText(block.sizes)} needs more than ${AXES} axes; reshape first`,
    );
  }
  return { ...block, sizes, xStrides, yStrides };
}

/** The part of the block that one pair of windows can hold: narrowed where one side is a single run. */
function covered(block: StridedBlock, total: number, x: RowWindow, y: RowWindow): RowWindow {
  let start = 0;
  let end = total;
  for (
    const [strides, offset, window] of [[block.xStrides, block.xOffset, x], [block.yStrides, block.yOffset, y]] as const
  ) {
    if (strides.join() !== denseStrides(block.sizes).join()) continue;
    start = Math.max(start, window.start - offset);
    end = Math.min(end, window.start + window.count - offset);
  }
  return { start, count: end - start };
}

function namedParams({ sizes, xStrides, yStrides }: StridedBlock): Record<string, number> {
  const params: Record<string, number> = {};
  const missing = AXES - sizes.length;
  for (let axis = 0; axis < AXES; axis++) {
    params[`size${axis}`] = axis < missing ? 1 : sizes[axis - missing];
    params[`x_stride${axis}`] = axis < missing ? 0 : xStrides[axis - missing];
    params[`y_stride${axis}`] = axis < missing ? 0 : yStrides[axis - missing];
  }
  return params;
}
