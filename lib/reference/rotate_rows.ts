import { type Dense, dense, type DenseFloats } from "./dense.ts";
import { rotary, rotaryTable } from "./rotary.ts";

/** Rotates [heads, rows, d]: row i of every head to positions[i]. */
export function rotateRows(x: Dense, positions: ArrayLike<number>, frequencies: ArrayLike<number>): DenseFloats {
  const [heads, rows, size] = x.shape;
  // Heads stand in for sequences, which puts the rows where the rotary embedding wants them.
  const places = Array.from({ length: heads * rows }, (_, row) => row % rows);
  const turned = rotary(dense(x.data, [heads, rows, 1, size]), places, rotaryTable(frequencies, positions));
  return dense(turned.data, x.shape);
}
