import { checkDevice, checkType, tensorText } from "./checks.ts";
import { type DType, elementBytes } from "./dtype.ts";
import { newTensor } from "./output.ts";
import type { Tensor } from "./tensor.ts";
import { ELEMENT_THREADS, elementGroups, vectorType, vectorWidth } from "./vectors.ts";
import { bindElements, freeWindows } from "./windows.ts";

/**
 * Copies rows of a table by index: `y[i] = table[indices[i]]`.
 *
 * @param table [rows, d], any type, of any length: a table past one binding is read window by window
 * @param indices u32 [n]; an index past the table gives a row of zeros
 * @returns a new tensor [n, d] of the table's type
 * @throws {TypeError} where shapes or types do not fit, naming both.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { gatherRows, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using table = Tensor.from(device, new Float32Array([1, 2, 3, 4]), [2, 2]);
 * using indices = Tensor.from(device, new Uint32Array([1, 1, 9]), [3]);
 * using y = gatherRows(table, indices);
 * assertEquals([...await y.read()], [3, 4, 3, 4, 0, 0]);
 * ```
 */
export function gatherRows(table: Tensor, indices: Tensor): Tensor {
  checkIndices("gatherRows", table, indices);
  return gather("gatherRows", table, indices, [...indices.shape], table.dtype);
}

/**
 * Embedding look-up: the table's rows for given tokens, widened to f32 where the table is f16.
 *
 * @param table [vocabulary, d], f32 or f16
 * @param tokens u32 [..]; a token past the vocabulary gives zeros
 * @returns f32 [.., d]
 * @throws {TypeError} where shapes or types do not fit, naming both.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { embedding, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using table = Tensor.from(device, new Float32Array([1, 2, 3, 4]), [2, 2]);
 * using tokens = Tensor.from(device, new Uint32Array([1, 0]), [1, 2]);
 * using y = embedding(table, tokens);
 * assertEquals(y.shape, [1, 2, 2]);
 * assertEquals([...await y.read()], [3, 4, 1, 2]);
 * ```
 */
export function embedding(table: Tensor, tokens: Tensor): Tensor {
  checkType("embedding", table, ["f32", "f16"]);
  using flat = tokens.reshape([tokens.size]);
  checkIndices("embedding", table, flat);
  return gather("embedding", table, flat, tokens.shape, "f32");
}

/**
 * Writes rows to given places of a tensor that exists: `target[indices[i]] = rows[i]`.
 *
 * @param target [m, d], any type; changed in place
 * @param indices u32 [n]; an index past the target is skipped; of equal indices one's row is left, which one is open
 * @param rows [n, d] of the target's type, another tensor than the target
 * @throws {TypeError} where shapes or types do not fit, naming them.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { scatterRows, Tensor, zeros } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using target = zeros(device, [3, 2]);
 * using indices = Tensor.from(device, new Uint32Array([2, 0]), [2]);
 * using rows = Tensor.from(device, new Float32Array([1, 2, 3, 4]), [2, 2]);
 * scatterRows(target, indices, rows);
 * assertEquals([...await target.read()], [3, 4, 0, 0, 1, 2]);
 * ```
 */
export function scatterRows(target: Tensor, indices: Tensor, rows: Tensor): void {
  checkIndices("scatterRows", target, indices);
  checkDevice("scatterRows", target, rows);
  const [count] = indices.shape;
  const [targetRows, size] = target.shape;
  const fits = rows.shape.length === 2 && rows.shape[0] === count && rows.shape[1] === size;
  if (!fits || rows.dtype !== target.dtype) {
    throw new TypeError(
      `scatterRows: rows ${tensorText(rows)} must be [${count}, ${size}] ${target.dtype} ` +
        `for indices ${tensorText(indices)} and target ${tensorText(target)}`,
    );
  }
  if (rows.buffer === target.buffer) throw new TypeError("scatterRows: rows and target must be different tensors");
  if (rows.size === 0 || target.size === 0) return;
  const bytes = size * elementBytes(target.dtype);
  for (const part of freeWindows(target.device, "scatterRows", count, [bytes, 4])) {
    for (const window of freeWindows(target.device, "scatterRows", targetRows, [bytes])) {
      const source = bindElements(rows, part.start * size, part.count * size);
      const places = bindElements(indices, part.start, part.count);
      const goal = bindElements(target, window.start * size, window.count * size);
      target.device.commands.dispatch({
        kernel: "scatter_rows",
        types: { Element: target.dtype },
        params: {
          count: part.count,
          size,
          first_row: window.start,
          window_rows: window.count,
          target_first: goal.first,
          indices_first: places.first,
          rows_first: source.first,
        },
        bindings: [source.binding, places.binding, goal.binding],
        groups: Math.ceil(part.count * size / ELEMENT_THREADS),
        work: 16 * part.count * size,
      });
    }
  }
}

function checkIndices(op: string, table: Tensor, indices: Tensor): void {
  checkDevice(op, table, indices);
  checkType(op, indices, ["u32"]);
  if (table.shape.length === 2 && indices.shape.length === 1) return;
  throw new TypeError(
    `${op}: ${tensorText(table)} must be [rows, d] and indices ${tensorText(indices)} [n]`,
  );
}

function gather(op: string, table: Tensor, indices: Tensor, shape: readonly number[], dtype: DType): Tensor {
  const [tableRows, size] = table.shape;
  // A table without rows still needs one call, which writes the zeros.
  const windows = tableRows && size
    ? freeWindows(table.device, op, tableRows, [size * elementBytes(table.dtype)])
    : [{ start: 0, count: 0 }];
  return newTensor(table.device, [...shape, size], dtype, (y) => {
    if (y.size === 0) return;
    for (const part of freeWindows(table.device, op, indices.size, [size * elementBytes(dtype), 4])) {
      for (const window of windows) {
        const source = bindElements(table, window.start * size, window.count * size);
        const places = bindElements(indices, part.start, part.count);
        const target = bindElements(y, part.start * size, part.count * size);
        const width = vectorWidth(size, source.first, target.first);
        const cut = elementGroups(table.device, part.count * size / width);
        table.device.commands.dispatch({
          kernel: "gather_rows",
          ...cut,
          types: { Element: vectorType(table.dtype, width), Output: vectorType(dtype, width) },
          params: {
            count: part.count,
            size: size / width,
            table_rows: tableRows,
            first_row: window.start,
            window_rows: window.count,
            table_first: source.first / width,
            indices_first: places.first,
            y_first: target.first / width,
          },
          bindings: [source.binding, places.binding, target.binding],
          work: 16 * part.count * size,
        });
      }
    }
  });
}
