import type { Dispatch } from "../gpu/mod.ts";
import { cast } from "./cast.ts";
import { checkDevice, checkType, tensorText } from "./checks.ts";
import { type DType, elementBytes } from "./dtype.ts";
import { imagesPay, multiplyImages } from "./matmul_image.ts";
import { type MatmulPiece, type MatmulSizes, planMatmul } from "./matmul_plan.ts";
import { MatrixImage } from "./matrix_image.ts";
import { variantOf } from "./matmul_variant.ts";
import { newTensor } from "./output.ts";
import { elementCount, sameShape } from "./shape.ts";
import { Tensor } from "./tensor.ts";
import { bindElements, type RowWindow, type Stretch } from "./windows.ts";

/** How a matrix product is done. */
export interface MatmulOptions {
  /** Whether the right side is stored [.., N, K]. Default false. */
  transposeRight?: boolean;
  /** Type of the result, f32 or f16. Default f32. */
  outputType?: DType;
  /** Columns of the result to compute, where the right side is a transposed [N, K]. Default all N. */
  columns?: RowWindow;
}

/**
 * Matrix product `a b`, batched, summed in f32.
 *
 * The elements of a row come out the same whatever other rows are computed with it.
 *
 * @param a [.., M, K], f32 or f16
 * @param b f32 or f16: [K, N], used for all of a; or [.., K, N] with a's leading axes; last two axes swapped with transposeRight
 * @param options the right side's layout and the result's type
 * @returns [.., M, N], a new tensor
 * @throws {TypeError} where shapes or types do not fit, naming both.
 * @throws {LimitExceededError} where a single row is too large for the adapter.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { matmul, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using a = Tensor.from(device, new Float32Array([1, 2, 3, 4]), [2, 2]);
 * using b = Tensor.from(device, new Float32Array([5, 6, 7, 8]), [2, 2]);
 * using product = matmul(a, b);
 * assertEquals([...await product.read()], [19, 22, 43, 50]);
 * using other = matmul(a, b, { transposeRight: true });
 * assertEquals([...await other.read()], [17, 23, 39, 53]);
 * ```
 */
export function matmul(a: Tensor, b: Tensor | MatrixImage, options: MatmulOptions = {}): Tensor {
  const outputType = options.outputType ?? "f32";
  const sizes = checkedSizes(a, b, options, outputType);
  const shape = [...a.shape.slice(0, -1), sizes.columns];
  if (sizes.depth === 0) return Tensor.zeros(a.device, shape, outputType);
  if (elementCount(shape) === 0) return Tensor.empty(a.device, shape, outputType);
  if (!options.columns && imagesPay(a, b, sizes)) return imageProduct(a, b, shape, sizes, outputType);
  if (b instanceof MatrixImage) {
    throw new TypeError(
      `matmul: ${
        tensorText(a)
      } can't be multiplied with an image: its last axis must be a multiple of 64, and the product ` +
        `at most ${a.device.commands.limits.bindingBytes} bytes; use fewer rows at a time, or the tensor itself`,
    );
  }
  const pieces = planMatmul(a.device, sizes);
  if (outputType === "f16" && pieces.some(({ depth }) => depth.start > 0)) {
    // A sum that goes on in a second call must not be rounded in between.
    using wide = matmul(a, b, { ...options, outputType: "f32" });
    return cast(wide, "f16");
  }
  return newTensor(a.device, shape, outputType, (output) => {
    for (const piece of pieces) a.device.commands.dispatch(call(a, b, output, sizes, piece));
  });
}

/** Sizes of the product, and the first row of a transposed right side that it takes. */
type ProductSizes = MatmulSizes & { firstColumn: number };

/** As images, f16 sides widened. */
function imageProduct(
  a: Tensor,
  b: Tensor | MatrixImage,
  shape: readonly number[],
  sizes: MatmulSizes,
  outputType: DType,
): Tensor {
  using left = imageOf(a, sizes.rows, sizes.depth);
  using copied = b instanceof MatrixImage ? undefined : imageOf(b, ...b.shape.slice(-2) as [number, number]);
  const right = copied ?? b as MatrixImage;
  return newTensor(a.device, shape, outputType, (output) => multiplyImages(left, right, output, sizes));
}

function imageOf(tensor: Tensor, rows: number, columns: number): MatrixImage {
  using wide = tensor.dtype === "f32" ? tensor.share() : cast(tensor, "f32");
  using flat = wide.reshape([rows, columns]);
  return MatrixImage.copy(flat);
}

function checkedSizes(
  a: Tensor,
  b: Tensor | MatrixImage,
  { transposeRight: transposed = false, columns }: MatmulOptions,
  outputType: DType,
): ProductSizes {
  checkDevice("matmul", a, b);
  for (const tensor of [a, b]) checkType("matmul", tensor, ["f32", "f16"]);
  if (outputType !== "f32" && outputType !== "f16") {
    throw new TypeError(`matmul: the output type ${outputType} must be f32 or f16`);
  }
  const [rows, depth] = a.shape.slice(-2);
  const [first, second] = b.shape.slice(-2);
  const leading = b.shape.slice(0, -2);
  const shared = leading.length === 0;
  const fits = a.shape.length >= 2 && b.shape.length >= 2 && (transposed ? second : first) === depth &&
    (shared || sameShape(leading, a.shape.slice(0, -2)));
  if (!fits) {
    throw new TypeError(
      `matmul: ${tensorText(a)} and ${tensorText(b)} do not fit: a [.., M, K] needs ` +
        (transposed ? "b [N, K] or [.., N, K]" : "b [K, N] or [.., K, N]"),
    );
  }
  const all = transposed ? first : second;
  if (columns) checkColumns(columns, all, transposed && shared && b instanceof Tensor);
  const batches = elementCount(leading);
  return {
    batches,
    // A right side without batches takes all rows of all batches at once.
    rows: shared ? elementCount(a.shape.slice(0, -1)) : rows,
    columns: columns?.count ?? all,
    firstColumn: columns?.start ?? 0,
    depth,
    transposed,
    elementBytes: [elementBytes(a.dtype), elementBytes(b.dtype), elementBytes(outputType)],
  };
}

function checkColumns({ start, count }: RowWindow, all: number, allowed: boolean): void {
  if (!allowed) {
    throw new TypeError("matmul: columns can be picked only of a right side [N, K], with transposeRight");
  }
  const fits = [start, count].every((value) => Number.isInteger(value) && value >= 0) && start + count <= all;
  if (!fits) {
    throw new RangeError(`matmul: columns ${start} to ${start + count} must lie within the ${all} of the right side`);
  }
}

/** The operands of one call, bound from the piece's first element on. */
interface Operands {
  left: Stretch;
  right: Stretch;
  output: Stretch;
}

function call(a: Tensor, b: Tensor, output: Tensor, sizes: ProductSizes, piece: MatmulPiece): Dispatch {
  const operands = bind(a, b, output, sizes, piece);
  const { kernel, units, types, spareBindings = 0, ...variant } = variantOf(a.device, sizes, piece);
  const { batch, row, column, depth } = piece;
  return {
    kernel,
    types: { Left: a.dtype, Right: b.dtype, Output: output.dtype, ...types },
    bindings: [
      operands.left.binding,
      operands.right.binding,
      ...Array(spareBindings).fill(operands.right.binding),
      operands.output.binding,
    ],
    constants: variant.constants,
    params: {
      columns: column.count / units.columns,
      depth: depth.count / units.depth,
      left_first: operands.left.first / units.left,
      left_row: sizes.depth / units.left,
      right_first: operands.right.first / units.right,
      right_row: (sizes.transposed ? sizes.depth : sizes.columns) / units.right,
      output_first: operands.output.first / units.output,
      output_row: sizes.columns / units.output,
      ...(variant.batched && {
        rows: row.count,
        left_batch: sizes.rows * sizes.depth / units.left,
        right_batch: sizes.depth * sizes.columns / units.right,
        output_batch: sizes.rows * sizes.columns / units.output,
      }),
      ...variant.params,
    },
    groups: variant.groups,
    work: batch.count * row.count * column.count * depth.count * variant.workPerProduct,
  };
}

function bind(
  a: Tensor,
  b: Tensor,
  output: Tensor,
  { rows, columns, firstColumn, depth, transposed }: ProductSizes,
  { batch, row, column, depth: part }: MatmulPiece,
): Operands {
  const rightWidth = transposed ? depth : columns;
  const rightRows = transposed ? columns : depth;
  const rightWindow = transposed ? column : part;
  return {
    left: window(a, batch.start * rows * depth + row.start * depth + part.start, batch.count, rows, row.count, depth),
    right: window(
      b,
      (batch.start * rightRows + firstColumn + rightWindow.start) * rightWidth,
      batch.count,
      rightRows,
      rightWindow.count,
      rightWidth,
    ),
    output: window(
      output,
      (batch.start * rows + row.start) * columns + column.start,
      batch.count,
      rows,
      row.count,
      columns,
    ),
  };
}

/** Binds from an element on as far as the last row of the last batch goes, but not past the tensor's end. */
function window(tensor: Tensor, start: number, batches: number, rows: number, count: number, width: number): Stretch {
  const end = Math.min(tensor.size, start + ((batches - 1) * rows + count) * width);
  return bindElements(tensor, start, end - start);
}
