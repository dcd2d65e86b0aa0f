import { type Dense, type DenseFloats, elementCount, floatsFor, sameShape, shapeText } from "./dense.ts";

/** How the right side of a matrix product lies in memory. */
export interface ReferenceMatmulOptions {
  /** Whether the right side is stored [.., N, K]. Default false. */
  readonly transposeRight?: boolean;
}

/**
 * Matrix product `a b`, batched, summed in f64.
 *
 * @param a [.., M, K]
 * @param b [K, N], used for all of a; or [.., K, N] with a's leading axes; last two axes swapped with `transposeRight`
 * @param options the right side's layout
 * @returns f32 [.., M, N]
 * @throws {TypeError} if the shapes do not fit, naming both.
 *
 * @example
 * ```ts
 * import { dense, matmul } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const a = dense([1, 2, 3, 4], [2, 2]);
 * const b = dense([5, 6, 7, 8], [2, 2]);
 * assertEquals([...matmul(a, b).data], [19, 22, 43, 50]);
 * assertEquals([...matmul(a, b, { transposeRight: true }).data], [17, 23, 39, 53]);
 * ```
 */
export function matmul(a: Dense, b: Dense, options: ReferenceMatmulOptions = {}): DenseFloats {
  const transposed = options.transposeRight ?? false;
  const { rows, columns, depth, shared } = checkedSizes(a, b, transposed);
  const output = floatsFor([...a.shape.slice(0, -1), columns]);
  const allRows = elementCount(a.shape.slice(0, -1));
  const columnStep = transposed ? depth : 1;
  const depthStep = transposed ? 1 : columns;
  for (let row = 0; row < allRows; row++) {
    const right = shared ? 0 : Math.floor(row / rows) * depth * columns;
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let inner = 0; inner < depth; inner++) {
        sum += a.data[row * depth + inner] * b.data[right + column * columnStep + inner * depthStep];
      }
      output.data[row * columns + column] = sum;
    }
  }
  return output;
}

function checkedSizes(
  a: Dense,
  b: Dense,
  transposed: boolean,
): { rows: number; columns: number; depth: number; shared: boolean } {
  const [rows, depth] = a.shape.slice(-2);
  const [first, second] = b.shape.slice(-2);
  const leading = b.shape.slice(0, -2);
  const shared = leading.length === 0;
  const fits = a.shape.length >= 2 && b.shape.length >= 2 && (transposed ? second : first) === depth &&
    (shared || sameShape(leading, a.shape.slice(0, -2)));
  if (fits) return { rows, columns: transposed ? first : second, depth, shared };
  throw new TypeError(
    `matmul: ${shapeText(a)} and ${shapeText(b)} do not fit: a [.., M, K] needs ` +
      (transposed ? "b [N, K] or [.., N, K]" : "b [K, N] or [.., K, N]"),
  );
}
