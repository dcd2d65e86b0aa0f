/** Arrays of numbers that the reference takes: typed ones and plain ones. */
export type Numbers = Float32Array | Float64Array | Int32Array | Uint32Array | number[];

/** Numbers with a shape, row-major: what a tensor holds, on the host. */
export interface Dense<T extends Numbers = Numbers> {
  /** The elements, the last axis fastest. */
  readonly data: T;
  /** Sizes of the axes, slowest first. */
  readonly shape: readonly number[];
}

/** What the operations compute: f32 numbers with a shape. */
export type DenseFloats = Dense<Float32Array<ArrayBuffer>>;

/**
 * Numbers with a shape.
 *
 * @param data the elements, row-major; not copied
 * @param shape sizes of the axes, slowest first
 * @returns both together
 * @throws {TypeError} if the shape holds anything but whole numbers of at least 0, or another number of elements than `data`.
 *
 * @example
 * ```ts
 * import { dense } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(dense([1, 2, 3, 4, 5, 6], [2, 3]).shape, [2, 3]);
 * ```
 */
export function dense<T extends Numbers>(data: T, shape: readonly number[]): Dense<T> {
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new TypeError(`dense: shape [${shape.join(", ")}] must hold whole numbers of at least 0`);
  }
  if (elementCount(shape) !== data.length) {
    throw new TypeError(
      `dense: shape [${shape.join(", ")}] has ${elementCount(shape)} elements, but ${data.length} were given`,
    );
  }
  return { data, shape };
}

/** Number of elements of a shape; 1 for no axes. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** An array of f32 for a result of this shape. */
export function floatsFor(shape: readonly number[]): DenseFloats {
  return dense(new Float32Array(elementCount(shape)), shape);
}

/** An array of the same kind as another, full of zeros. */
export function zerosLike<T extends Numbers>(data: T, length: number): T {
  if (Array.isArray(data)) return new Array<number>(length).fill(0) as T;
  const Kind = data.constructor as new (length: number) => T;
  return new Kind(length);
}

/** "[2, 3]", for messages. */
export function shapeText({ shape }: Dense): string {
  return `[${shape.join(", ")}]`;
}

/** Whether two shapes are the same. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** How many rows there are along the last axis, and how long they are. */
export function rowsOf(op: string, x: Dense): { rows: number; size: number } {
  if (x.shape.length === 0) throw new TypeError(`${op}: ${shapeText(x)} must have at least one axis`);
  return { rows: elementCount(x.shape.slice(0, -1)), size: x.shape[x.shape.length - 1] };
}
