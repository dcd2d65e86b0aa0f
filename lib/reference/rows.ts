import { type Dense, dense, type DenseFloats, type Numbers, shapeText, zerosLike } from "./dense.ts";

/**
 * Copies rows of a table by index: `y[i] = table[indices[i]]`.
 *
 * @param table [rows, d]
 * @param indices [n]; an index past the table gives a row of zeros
 * @returns [n, d], the same kind of array as the table
 * @throws {TypeError} if the shapes do not fit, naming both.
 *
 * @example
 * ```ts
 * import { dense, gatherRows } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const y = gatherRows(dense([1, 2, 3, 4], [2, 2]), dense([1, 1, 9], [3]));
 * assertEquals(y.data, [3, 4, 3, 4, 0, 0]);
 * ```
 */
export function gatherRows<T extends Numbers>(table: Dense<T>, indices: Dense): Dense<T> {
  checkIndices("gatherRows", table, indices);
  const [tableRows, size] = table.shape;
  const [count] = indices.shape;
  const y = zerosLike<T>(table.data, count * size);
  for (let i = 0; i < count; i++) {
    const row = indices.data[i];
    if (row >= tableRows) continue;
    for (let c = 0; c < size; c++) y[i * size + c] = table.data[row * size + c];
  }
  return dense(y, [count, size]);
}

/**
 * Embedding look-up: the table's rows for given tokens.
 *
 * @param table [vocabulary, d]
 * @param tokens [..]; a token past the vocabulary gives zeros
 * @returns f32 [.., d]
 * @throws {TypeError} if the table is not [vocabulary, d].
 *
 * @example
 * ```ts
 * import { dense, embedding } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const y = embedding(dense([1, 2, 3, 4], [2, 2]), dense([1, 0], [1, 2]));
 * assertEquals(y.shape, [1, 2, 2]);
 * assertEquals([...y.data], [3, 4, 1, 2]);
 * ```
 */
export function embedding(table: Dense, tokens: Dense): DenseFloats {
  const flat = dense(tokens.data, [tokens.data.length]);
  checkIndices("embedding", table, flat);
  return dense(Float32Array.from(gatherRows(table, flat).data), [...tokens.shape, table.shape[1]]);
}

/**
 * Writes rows to given places: `y[indices[i]] = rows[i]`, all other rows are the target's.
 *
 * @param target [m, d]; not changed, unlike the kernel's
 * @param indices [n], no two the same; an index past the target is skipped
 * @param rows [n, d]
 * @returns [m, d], the same kind of array as the target
 * @throws {TypeError} if the shapes do not fit, naming them.
 * @throws {RangeError} if an index comes twice: which row is left would be open.
 *
 * @example
 * ```ts
 * import { dense, scatterRows } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const y = scatterRows(dense([0, 0, 0], [3, 1]), dense([2, 0], [2]), dense([5, 7], [2, 1]));
 * assertEquals(y.data, [7, 0, 5]);
 * ```
 */
export function scatterRows<T extends Numbers>(target: Dense<T>, indices: Dense, rows: Dense): Dense<T> {
  checkIndices("scatterRows", target, indices);
  const [targetRows, size] = target.shape;
  const [count] = indices.shape;
  if (rows.shape.length !== 2 || rows.shape[0] !== count || rows.shape[1] !== size) {
    throw new TypeError(
      `scatterRows: rows ${shapeText(rows)} must be [${count}, ${size}] for indices ${shapeText(indices)} ` +
        `and target ${shapeText(target)}`,
    );
  }
  const y = target.data.slice() as T;
  const seen = new Set<number>();
  for (let i = 0; i < count; i++) {
    const row = indices.data[i];
    if (seen.has(row)) throw new RangeError(`scatterRows: index ${row} comes twice; each row can be written once`);
    seen.add(row);
    if (row >= targetRows) continue;
    for (let c = 0; c < size; c++) y[row * size + c] = rows.data[i * size + c];
  }
  return dense(y, target.shape);
}

function checkIndices(op: string, table: Dense, indices: Dense): void {
  if (table.shape.length !== 2 || indices.shape.length !== 1) {
    throw new TypeError(`${op}: ${shapeText(table)} must be [rows, d] and indices ${shapeText(indices)} [n]`);
  }
  for (let i = 0; i < indices.data.length; i++) {
    const index = indices.data[i];
    if (Number.isInteger(index) && index >= 0) continue;
    throw new RangeError(`${op}: index ${index} must be a whole number of at least 0`);
  }
}
