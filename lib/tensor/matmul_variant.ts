import type { Device, KernelName } from "../gpu/mod.ts";
import type { MatmulPiece, MatmulSizes } from "./matmul_plan.ts";
import { FEW_ROWS, linearVariant } from "./linear_variant.ts";
import { type MatmulTile, matmulTile } from "./matmul_tiles.ts";
import { vectorTile } from "./vector_tiles.ts";

/** Lanes of a workgroup: one SIMD register of the software adapter. */
const LANES = 8;
const GENERAL_LANES = 64;

/** The kernel that does a piece, and what it needs beside sizes and places. */
export interface MatmulVariant {
  kernel: KernelName;
  constants: Readonly<Record<string, number>>;
  types?: Readonly<Record<string, string>>;
  params: Record<string, number>;
  /** Whether it takes batches and rows from its parameters. */
  batched: boolean;
  /** Bindings between the sides and the result that the kernel has but this product has no use for. Default 0. */
  spareBindings?: number;
  /** Elements that one of what the kernel counts stands for. */
  units: MatmulUnits;
  groups: number;
  /** Cost of one multiply-add beside an ordinary kernel's: register tiles do several in the time of one. */
  workPerProduct: number;
}

/** Elements that one of what a kernel counts stands for: columns, steps of k, and places of the sides and of the result. */
export interface MatmulUnits {
  columns: number;
  depth: number;
  left: number;
  right: number;
  output: number;
}

/** Both sides in fours or in ones, and so the result and its columns. */
function units(sides: 1 | 4, output: 1 | 4): MatmulUnits {
  return { columns: output, depth: sides, left: sides, right: sides, output };
}

/** Picks the kernel of a piece. */
export function variantOf(
  device: Device,
  sizes: MatmulSizes,
  { batch, row, column, depth }: MatmulPiece,
): MatmulVariant {
  const { transposed } = sizes;
  const resume = depth.start > 0 ? 1 : 0;
  const whole = (...counts: number[]) => counts.every((count) => count % 4 === 0);
  const wholeVectors = whole(depth.start, depth.count, sizes.depth) && (transposed || whole(sizes.columns));
  if (!wholeVectors) {
    const groups = Math.ceil(batch.count * row.count * column.count / GENERAL_LANES);
    const params = { resume, transposed: transposed ? 1 : 0, batches: batch.count };
    return {
      kernel: "matmul_general",
      constants: {},
      params,
      batched: true,
      units: units(1, 1),
      groups,
      workPerProduct: 3,
    };
  }
  const vector = vectorVariant(device, sizes, { batch, row, column, depth });
  if (vector) return vector;
  const tile = matmulTile(device, row.count, column.count);
  if (tile.constants && row.count >= FEW_ROWS && !resume && whole(column.start, column.count, sizes.columns)) {
    return {
      kernel: "matmul_tiled",
      constants: { ...tile.constants, TRANSPOSED: transposed ? 1 : 0 },
      params: {},
      batched: true,
      units: units(4, 4),
      groups: batch.count * Math.ceil(row.count / tile.rows) * Math.ceil(column.count / tile.columns),
      workPerProduct: 0.25,
    };
  }
  // Few rows are done one by one: a tile of eight would compute most of itself in vain.
  const tileRows = row.count < FEW_ROWS ? 1 : 8;
  const columnTiles = Math.ceil(column.count / (LANES * (transposed ? 4 : 8)));
  return {
    kernel: transposed ? "matmul_transposed" : "matmul",
    constants: { ROWS: tileRows },
    params: transposed ? {} : { resume },
    batched: true,
    units: units(4, transposed ? 1 : 4),
    groups: batch.count * Math.ceil(row.count / tileRows) * columnTiles,
    workPerProduct: tileRows === 1 ? 1 : 0.25,
  };
}

/** Few rows on a GPU: all threads share the columns, and each column's sum; the right side comes 16 bytes at a time. */
function vectorVariant(device: Device, sizes: MatmulSizes, piece: MatmulPiece): MatmulVariant | undefined {
  const { transposed } = sizes;
  const { batch, row, column, depth } = piece;
  const ROWS = row.count;
  const elementBytes = sizes.elementBytes[1];
  const tile = vectorTile(device, { columns: column.count, depth: depth.count, elementBytes, transposed });
  if (!tile.constants || ROWS > FEW_ROWS || batch.count !== 1 || depth.count !== sizes.depth) return undefined;
  const load = 16 / elementBytes;
  const loaded = transposed ? [sizes.depth] : [sizes.columns, column.start, column.count];
  if (!loaded.every((count) => count % load === 0)) return undefined;
  if (transposed) return dotVariant(tile, sizes, piece);
  return {
    kernel: "matmul_vector",
    constants: { ...tile.constants, ROWS, PARTS: load / 4 },
    types: { Loaded: load === 8 ? "vec4<u32>" : "vec4<f32>" },
    params: {},
    batched: false,
    units: { columns: load, depth: 4, left: 4, right: load, output: 4 },
    groups: Math.ceil(column.count / (tile.columns * load / 4)),
    workPerProduct: 1,
  };
}

/** Few rows and a transposed right side. */
function dotVariant(
  tile: MatmulTile,
  { elementBytes }: MatmulSizes,
  { row, column, depth }: MatmulPiece,
): MatmulVariant {
  const work = { rows: row.count, depth: depth.count, elementBytes: elementBytes[1] };
  const { constants, loaded, groupColumns, load } = linearVariant(tile, work);
  return {
    kernel: "linear_rows",
    constants,
    types: { Loaded: loaded },
    params: { epsilon: 0 },
    batched: false,
    spareBindings: 2,
    units: { columns: 1, depth: load, left: 4, right: load, output: 1 },
    groups: Math.ceil(column.count / groupColumns),
    workPerProduct: 1,
  };
}
