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

/** A variant of linear_rows.wgsl and its split twin. */
export interface LinearVariant {
  /** The kernel's constants. */
  readonly constants: Readonly<Record<string, number>>;
  /** What the kernel loads of the matrix at a time. */
  readonly loaded: string;
  /** Elements of a load. */
  readonly load: number;
  /** Columns of the result that a workgroup makes. */
  readonly groupColumns: number;
}

const EXTRAS = ["none", "residual", "bias"];
/** Variants by tile and work: a decode step asks for the same ones for every layer. */
const known = new WeakMap<MatmulTile, Map<number, LinearVariant>>();

/** The variant for a tile and some work. */
export function linearVariant(tile: MatmulTile, work: LinearWork): LinearVariant {
  const { rows, depth, elementBytes, normed, paired, extra = "none" } = work;
  const flags = (normed ? 1 : 0) + (paired ? 2 : 0) + 4 * EXTRAS.indexOf(extra);
  const key = ((depth * 8 + rows) * 8 + elementBytes) * 16 + flags;
  let variants = known.get(tile);
  if (!variants) known.set(tile, variants = new Map());
  let variant = variants.get(key);
  if (!variant) variants.set(key, variant = newVariant(tile, work));
  return variant;
}

function newVariant(
  { constants }: MatmulTile,
  { rows, depth, elementBytes, normed = false, paired = false, extra = "none" }: LinearWork,
): LinearVariant {
  const load = 16 / elementBytes;
  const { LANES, COLS: wanted, THREADS, LOADS } = constants!;
  // Two matrix rows for each column need two sums.
  const COLS = Math.max(paired ? 2 : 1, Math.min(wanted, Math.floor(MOST_SUMS / rows)));
  const wholeRow = Math.ceil(depth / load / LANES);
  const AHEAD = Math.max(1, Math.min(Math.floor(LOADS / COLS), wholeRow));
  const MIDDLE = middleOf(LANES);
  return {
    constants: {
      THREADS,
      LANES,
      COLS,
      AHEAD,
      WHOLE: AHEAD === wholeRow ? 1 : 0,
      MIDDLE,
      STRETCH: LANES / MIDDLE,
      ROWS: rows,
      SUMS: rows * COLS + (normed ? rows : 0),
      PARTS: load / 4,
      NORM: normed ? 1 : 0,
      PAIRED: paired ? 1 : 0,
      EXTRA: EXTRAS.indexOf(extra),
    },
    loaded: load === 8 ? "vec4<u32>" : "vec4<f32>",
    load,
    groupColumns: THREADS / LANES * COLS / (paired ? 2 : 1),
  };
}
