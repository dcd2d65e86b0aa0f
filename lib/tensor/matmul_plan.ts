import { type Device, LimitExceededError } from "../gpu/mod.ts";
import { cut, rowsPerBinding, type RowWindow } from "./windows.ts";

/** Sizes of a batched matrix product. */
export interface MatmulSizes {
  /** Products done side by side. */
  batches: number;
  /** Rows M of the left side. */
  rows: number;
  /** Columns N of the result. */
  columns: number;
  /** Common size K. */
  depth: number;
  /** Whether the right side is stored [N, K]. */
  transposed: boolean;
  /** Bytes of an element of the left side, the right side and the output. */
  elementBytes: readonly [left: number, right: number, output: number];
}

/** One kernel call's part of a matrix product. */
export interface MatmulPiece {
  /** Batches. */
  batch: RowWindow;
  /** Rows of the left side. */
  row: RowWindow;
  /** Columns of the result. */
  column: RowWindow;
  /** Part of the sum over K; pieces of one element come in rising order. */
  depth: RowWindow;
}

/**
 * Cuts a matrix product into calls whose operands each fit one binding: by batches; where one batch is too large by rows,
 * and by rows of the right side, which are columns of the result where it is transposed and parts of the sum where not.
 *
 * @throws {LimitExceededError} where a single row of an operand does not fit.
 */
export function planMatmul(device: Device, sizes: MatmulSizes): MatmulPiece[] {
  const { batches, rows, columns, depth, transposed } = sizes;
  const [left, right, output] = sizes.elementBytes;
  const whole = (count: number): RowWindow => ({ start: 0, count });
  const batchBytes = [rows * depth * left, depth * columns * right, rows * columns * output];
  const together = Math.min(...batchBytes.map((bytes) => rowsPerBinding(device, batches, bytes)));
  if (together > 0) {
    return cut(batches, together).map((batch) => ({
      batch,
      row: whole(rows),
      column: whole(columns),
      depth: whole(depth),
    }));
  }
  const alone = batches === 1;
  const rowCount = Math.min(
    rowsPerBinding(device, rows, depth * left, alone),
    rowsPerBinding(device, rows, columns * output, alone),
  );
  const rightRows = transposed ? columns : depth;
  const rightCount = rowsPerBinding(device, rightRows, (transposed ? depth : columns) * right, alone);
  if (rowCount === 0 || rightCount === 0) {
    throw new LimitExceededError(
      `matmul: a row of [${rows}, ${depth}] x [${depth}, ${columns}] does not fit one binding of ` +
        `${device.commands.limits.bindingBytes} bytes; split the columns of the right side into several tensors`,
    );
  }
  const pieces: MatmulPiece[] = [];
  for (const batch of cut(batches, 1)) {
    for (const row of cut(rows, rowCount)) {
      // Whole vec4s, so that the fast kernels can take every piece.
      for (const part of cut(rightRows, rightCount >= 4 ? rightCount - rightCount % 4 : rightCount)) {
        pieces.push({
          batch,
          row,
          column: transposed ? part : whole(columns),
          depth: transposed ? whole(depth) : part,
        });
      }
    }
  }
  return pieces;
}
