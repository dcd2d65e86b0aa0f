/** Sizes of a tensor's axes, slowest first. */
export type Shape = readonly number[];

/** Number of elements of a shape; 1 for no axes. */
export function elementCount(shape: Shape): number {
  let count = 1;
  for (let axis = 0; axis < shape.length; axis++) count *= shape[axis];
  return count;
}

/** Writes a shape as "[2, 3]" for messages. */
export function shapeText(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** @throws {TypeError} unless every size is a whole number of at least 0. */
export function checkShape(op: string, shape: Shape): void {
  let fits = true;
  for (let axis = 0; axis < shape.length; axis++) fits &&= Number.isSafeInteger(shape[axis]) && shape[axis] >= 0;
  if (fits) return;
  throw new TypeError(
    `${op}: shape ${shapeText(shape)} must hold whole numbers of at least 0`,
  );
}

/** Whether two shapes are the same. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
