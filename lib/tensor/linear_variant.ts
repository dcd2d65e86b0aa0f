import type { MatmulTile } from "./matmul_tiles.ts";
import { middleOf } from "./vector_tiles.ts";

/** Most rows that are done by whole workgroups, a column or some at a time; tiles of rows fit more. */
export const FEW_ROWS = 4;
/** Sums of products that a thread keeps at most, so that they stay in registers. */
const MOST_SUMS = 8;

/** What linear_rows.wgsl is asked for. */
export interface LinearWork {
  /** Rows of the left side. */
  rows: number;
  /** Channels of a row. */
  depth: number;
  /** Bytes of an element of the matrix. */
  elementBytes: number;
  /** Whether rows are normed first. */
  normed?: boolean;
  /** Whether each column takes two rows of the matrix. */
  paired?: boolean;
  /** What is added: nothing, a residual, or a bias. */
  extra?: "none" | "residual" | "bias";
}

/** Constants of linear_rows.wgsl and its split twin, and the columns of a workgroup. */
export function linearVariant(
  { constants }: MatmulTile,
  { rows, depth, elementBytes, normed = false, paired = false, extra = "none" }: LinearWork,
): { constants: Record<string, number>; types: Record<string, string>; groupColumns: number; load: number } {
  const load = 16 / elementBytes;
  const { LANES, COLS: wanted, THREADS, LOADS: most } = constants!;
  // Two matrix rows for each column need two sums.
  const COLS = Math.max(paired ? 2 : 1, Math.min(wanted, Math.floor(MOST_SUMS / rows)));
  const wholeRow = Math.ceil(depth / load / LANES);
  const AHEAD = Math.max(1, Math.min(Math.floor(most / COLS), wholeRow));
  const MIDDLE = middleOf(LANES);
  return {
    constants: {
      THREADS,
      LANES,
      COLS,
      AHEAD,
      LOADS: COLS * AHEAD,
      WHOLE: AHEAD === wholeRow ? 1 : 0,
      MIDDLE,
      STRETCH: LANES / MIDDLE,
      ROWS: rows,
      SLOTS: rows * COLS,
      SUMS: rows * COLS + (normed ? rows : 0),
      PARTS: load / 4,
      NORM: normed ? 1 : 0,
      PAIRED: paired ? 1 : 0,
      EXTRA: ["none", "residual", "bias"].indexOf(extra),
    },
    types: { Loaded: load === 8 ? "vec4<u32>" : "vec4<f32>" },
    groupColumns: THREADS / LANES * COLS / (paired ? 2 : 1),
    load,
  };
}
