import { type Dense, type DenseFloats, floatsFor, sameShape, shapeText } from "./dense.ts";

/**
 * Sum of two arrays, element by element: `x + other`.
 *
 * @param x any shape
 * @param other the same shape, or one that is the end of x's: it is then repeated along x's leading axes
 * @returns f32 of x's shape
 * @throws {TypeError} if the shapes do not fit, naming both.
 *
 * @example
 * ```ts
 * import { add, dense } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const y = add(dense([1, 2, 3, 4], [2, 2]), dense([10, 20], [2]));
 * assertEquals([...y.data], [11, 22, 13, 24]);
 * ```
 */
export function add(x: Dense, other: Dense): DenseFloats {
  return binary("add", x, other, (a, b) => a + b);
}

/**
 * Product of two arrays, element by element: `x * other`.
 *
 * @param x any shape
 * @param other the same shape, or one that is the end of x's: it is then repeated along x's leading axes
 * @returns f32 of x's shape
 * @throws {TypeError} if the shapes do not fit, naming both.
 *
 * @example
 * ```ts
 * import { dense, multiply } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const x = dense([1, 2, 3], [3]);
 * assertEquals([...multiply(x, x).data], [1, 4, 9]);
 * ```
 */
export function multiply(x: Dense, other: Dense): DenseFloats {
  return binary("multiply", x, other, (a, b) => a * b);
}

/**
 * An array times one number.
 *
 * @param x any shape
 * @param factor rounded to f32, as kernels get it
 * @returns f32 of x's shape
 *
 * @example
 * ```ts
 * import { dense, scale } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...scale(dense([1, 2, 3], [3]), 0.5).data], [0.5, 1, 1.5]);
 * ```
 */
export function scale(x: Dense, factor: number): DenseFloats {
  const output = floatsFor(x.shape);
  const rounded = Math.fround(factor);
  for (let i = 0; i < output.data.length; i++) output.data[i] = x.data[i] * rounded;
  return output;
}

/**
 * The gated activation of the feed-forward block: `silu(gate) * up` with `silu(z) = z / (1 + exp(-z))`, element by element.
 *
 * @param gate any shape
 * @param up the same shape
 * @returns f32 of that shape
 * @throws {TypeError} if the shapes differ.
 * @see Shazeer 2020, "GLU Variants Improve Transformer"
 *
 * @example
 * ```ts
 * import { dense, siluGate } from "@reattention/toolkit/reference";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const y = siluGate(dense([1], [1]), dense([2], [1]));
 * assertAlmostEquals(y.data[0], 2 / (1 + Math.exp(-1)), 1e-6);
 * ```
 */
export function siluGate(gate: Dense, up: Dense): DenseFloats {
  if (!sameShape(gate.shape, up.shape)) {
    throw new TypeError(`siluGate: gate ${shapeText(gate)} and up ${shapeText(up)} must have the same shape`);
  }
  return binary("siluGate", gate, up, (a, b) => a / (1 + Math.exp(-a)) * b);
}

function binary(op: string, x: Dense, other: Dense, combine: (a: number, b: number) => number): DenseFloats {
  const leading = x.shape.length - other.shape.length;
  if (leading < 0 || !sameShape(x.shape.slice(leading), other.shape)) {
    throw new TypeError(
      `${op}: ${shapeText(x)} and ${
        shapeText(other)
      } do not fit: they must be the same, or the second the end of the first`,
    );
  }
  const output = floatsFor(x.shape);
  for (let i = 0; i < output.data.length; i++) {
    output.data[i] = combine(x.data[i], other.data[i % other.data.length]);
  }
  return output;
}
