/** A matrix with neighbours put together. */
export interface Shrunk {
  /** Its rows. */
  readonly values: number[][];
  /** Rows of the matrix in each of these, the last one's may be fewer. */
  readonly rowWidth: number;
  /** Columns of the matrix in each of these. */
  readonly columnWidth: number;
}

/**
 * Attention weights as a matrix of at most so many rows and columns: the weights of columns that are put together are added,
 * those of rows averaged, so that each row still sums to 1.
 */
export function shrunk(
  weights: ArrayLike<number>,
  rows: number,
  columns: number,
  { mostRows, mostColumns }: { readonly mostRows: number; readonly mostColumns: number },
): Shrunk {
  const rowWidth = Math.ceil(rows / mostRows);
  const columnWidth = Math.ceil(columns / mostColumns);
  const values = Array.from({ length: Math.ceil(rows / rowWidth) }, (_, r) => {
    const sums = new Array<number>(Math.ceil(columns / columnWidth)).fill(0);
    const last = Math.min(rows, (r + 1) * rowWidth);
    for (let row = r * rowWidth; row < last; row++) {
      for (let column = 0; column < columns; column++) {
        sums[Math.floor(column / columnWidth)] += weights[row * columns + column];
      }
    }
    return sums.map((sum) => sum / (last - r * rowWidth));
  });
  return { values, rowWidth, columnWidth };
}

/** Numbers of a drawn matrix: three digits, and nothing below a millionth. */
export function shortRows(rows: readonly (readonly number[])[], digits = 3): number[][] {
  return rows.map((row) => row.map((value) => Math.abs(value) < 1e-6 ? 0 : Number(value.toPrecision(digits))));
}
