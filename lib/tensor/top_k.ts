import { LimitExceededError } from "../gpu/mod.ts";
import { checkType, rowsOf, tensorText } from "./checks.ts";
import { elementBytes } from "./dtype.ts";
import { Tensor } from "./tensor.ts";
import { bindElements, cut, rowsPerBinding } from "./windows.ts";

const WORKGROUP = 8;
const MOST = 256;

/** The highest elements of each row. */
export interface TopK {
  /** f32 [.., k], highest first. */
  readonly values: Tensor;
  /** u32 [.., k]: places of the values in their rows. */
  readonly indices: Tensor;
}

/**
 * The k highest elements over the last axis, highest first, of rows of up to millions.
 *
 * Among equals the lower index comes first; 0 and -0 are equal and come out as 0; NaN ranks below every number.
 *
 * @param x [.., size], f32 or f16
 * @param k 1 to 256, and at most size
 * @returns values and indices; the caller disposes both
 * @throws {TypeError} where the type is another one, or there is no axis.
 * @throws {RangeError} where k is not a whole number in that range.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor, topK } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([3, 9, 7, 9]), [4]);
 * const { values, indices } = topK(x, 3);
 * assertEquals([...await values.read()], [9, 9, 7]);
 * assertEquals([...await indices.read()], [1, 3, 2]);
 * values[Symbol.dispose]();
 * indices[Symbol.dispose]();
 * ```
 */
export function topK(x: Tensor, k: number): TopK {
  checkType("topK", x, ["f32", "f16"]);
  const { rows, size } = rowsOf("topK", x);
  if (!Number.isInteger(k) || k < 1 || k > Math.min(MOST, size)) {
    throw new RangeError(
      `topK: k ${k} must be a whole number from 1 to ${Math.min(MOST, size)} for ${tensorText(x)} (at most ${MOST})`,
    );
  }
  const shape = [...x.shape.slice(0, -1), k];
  let source: TopK | undefined;
  let length = size;
  for (;;) {
    const last = source;
    try {
      const blocks = Math.ceil(length / blockSize(k));
      source = pass(last?.values ?? x, last?.indices, { rows, size: length, k, blocks });
      length = blocks * k;
      if (blocks > 1) continue;
    } finally {
      if (last) dispose(last);
    }
    using values = source.values;
    using indices = source.indices;
    return { values: values.reshape(shape), indices: indices.reshape(shape) };
  }
}

/** Longer blocks shrink a row faster, shorter ones use more threads. */
function blockSize(k: number): number {
  return Math.max(512, 8 * k);
}

interface Pass {
  rows: number;
  size: number;
  k: number;
  blocks: number;
}

/** The k best of every block, [rows, blocks, k]. */
function pass(x: Tensor, source: Tensor | undefined, { rows, size, k, blocks }: Pass): TopK {
  const { device } = x;
  const values = Tensor.empty(device, [rows, blocks, k], "f32", "top-k");
  const indices = Tensor.empty(device, [rows, blocks, k], "u32", "top-k");
  try {
    for (const piece of pieces(x, { rows, size, k, blocks })) {
      const start = piece.row * size + piece.block * blockSize(k);
      const count = piece.blocks === blocks ? piece.rows * size : Math.min(
        size - piece.block * blockSize(k),
        piece.blocks * blockSize(k),
      );
      const input = bindElements(x, start, count);
      const names = source ? bindElements(source, start, count) : input;
      const place = (piece.row * blocks + piece.block) * k;
      const outputs = [values, indices].map((tensor) => bindElements(tensor, place, piece.rows * piece.blocks * k));
      device.commands.dispatch({
        kernel: "top_k",
        types: { Element: x.dtype },
        constants: { CAPACITY: 4 ** Math.ceil(Math.log2(k) / 2) },
        params: {
          rows: piece.rows,
          size,
          k,
          blocks: piece.blocks,
          block_size: blockSize(k),
          first_block: piece.block,
          total_blocks: blocks,
          x_first: input.first,
          source_first: names.first,
          y_first: outputs[0].first,
          renumber: source ? 1 : 0,
        },
        bindings: [input.binding, names.binding, ...outputs.map(({ binding }) => binding)],
        groups: Math.ceil(piece.rows * piece.blocks / WORKGROUP),
        work: (16 + 8 * Math.log2(k)) * count + 64 * piece.rows * piece.blocks * k,
      });
    }
    return { values, indices };
  } catch (error) {
    dispose({ values, indices });
    throw error;
  }
}

interface Piece {
  row: number;
  rows: number;
  block: number;
  blocks: number;
}

/** Cuts into runs of rows that fit every binding; where not even one does, into runs of a row's blocks. */
function pieces(x: Tensor, { rows, size, k, blocks }: Pass): Piece[] {
  if (rows === 0) return [];
  const bytes = elementBytes(x.dtype);
  const fitting = (units: number, ...unitBytes: number[]) =>
    Math.min(...unitBytes.map((each) => rowsPerBinding(x.device, units, each)));
  const rowsAtOnce = fitting(rows, size * bytes, blocks * k * 4);
  if (rowsAtOnce > 0) {
    return cut(rows, rowsAtOnce).map(({ start, count }) => ({ row: start, rows: count, block: 0, blocks }));
  }
  const blocksAtOnce = fitting(blocks, blockSize(k) * Math.max(bytes, 4), k * 4);
  if (blocksAtOnce === 0) {
    throw new LimitExceededError(
      `topK: blocks of ${blockSize(k)} elements do not fit one binding of ` +
        `${x.device.commands.limits.bindingBytes} bytes; use a smaller k`,
    );
  }
  return Array.from(
    { length: rows },
    (_, row) => cut(blocks, blocksAtOnce).map(({ start, count }) => ({ row, rows: 1, block: start, blocks: count })),
  ).flat();
}

function dispose({ values, indices }: TopK): void {
  values[Symbol.dispose]();
  indices[Symbol.dispose]();
}
