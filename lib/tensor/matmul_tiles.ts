import type { Device, KernelOption } from "../gpu/mod.ts";

/** A way to multiply: a kernel, and the tile of the result that a workgroup makes. */
export interface MatmulTile extends KernelOption {
  /** The kernel's constants; undefined: each thread on its own, in registers (matmul.wgsl). */
  readonly constants?: Readonly<Record<string, number>>;
  /** Rows of the tile. */
  readonly rows: number;
  /** Columns of the tile. */
  readonly columns: number;
}

/** Each thread on its own. */
export const LANES: MatmulTile = { name: "lanes", rows: 8, columns: 64 };

/** All ways, the largest tile first. */
export const matmulTiles: readonly MatmulTile[] = [
  tiled(16, 16, 4, 2, 2),
  tiled(16, 16, 2, 2, 4),
  tiled(16, 16, 2, 2, 4, 1),
  tiled(8, 32, 4, 1, 4),
  tiled(16, 16, 2, 1, 4),
  tiled(8, 8, 4, 2, 2, 1),
  tiled(8, 16, 4, 2, 2, 1),
  tiled(8, 8, 2, 2, 4, 1),
  tiled(8, 8, 2, 2, 2, 1),
  tiled(8, 16, 2, 1, 4, 1),
  tiled(8, 8, 2, 2, 4),
  tiled(8, 8, 2, 2, 2),
  tiled(16, 16, 1, 1, 4),
  tiled(8, 8, 1, 1, 4),
  tiled(4, 16, 1, 1, 8),
  LANES,
];

function tiled(y: number, x: number, rows4: number, columns4: number, depth4: number, pad = 0): MatmulTile {
  const rows = 4 * y * rows4;
  const columns = 4 * x * columns4;
  const threads = x * y;
  return {
    name: `tiled ${rows}x${columns}x${4 * depth4}, ${y}x${x} threads${pad ? ", padded" : ""}`,
    rows,
    columns,
    threads,
    workgroupBytes: 4 * 4 * depth4 * (rows + columns + 8 * pad),
    constants: {
      THREADS_Y: y,
      THREADS_X: x,
      ROWS4: rows4,
      COLUMNS4: columns4,
      DEPTH: 4 * depth4,
      PAD: pad,
      LOADS_LEFT: rows * depth4 / threads,
      LOADS_RIGHT: columns * depth4 / threads,
    },
  };
}

/**
 * What is usual on a GPU, from large products to small, each where it makes enough workgroups. Of eighteen on an H100, 64x64 by 64
 * threads were fastest at 4096^3, of sixteen 128x128 by 128 threads at 2048^3; where few tiles leave multiprocessors idle, more
 * threads a tile hide more.
 */
const USUAL: readonly { tile: MatmulTile; groups: number }[] = [
  { tile: tiled(8, 8, 2, 2, 4), groups: 4096 },
  { tile: tiled(8, 16, 4, 2, 2, 1), groups: 256 },
  { tile: tiled(8, 8, 2, 2, 4), groups: 1024 },
  { tile: tiled(8, 16, 2, 1, 4, 1), groups: 128 },
  { tile: tiled(16, 16, 1, 1, 4), groups: 1 },
];

/** The question under which a product of so many rows and columns is tuned: shapes alike share an answer. */
export function matmulQuestion(rows: number, columns: number): string {
  const size = rows * columns;
  const amount = size >= 2 ** 21 ? "large" : size >= 2 ** 18 ? "middle" : "small";
  return `matmul ${amount}`;
}

/** The way to multiply matrices of these sizes on a device. */
export function matmulTile(device: Device, rows: number, columns: number): MatmulTile {
  return device.choices.of(matmulQuestion(rows, columns), matmulTiles, defaultTile(device, rows, columns));
}

function defaultTile(device: Device, rows: number, columns: number): MatmulTile {
  if (device.info.software) return LANES;
  const preferred = USUAL.filter(({ tile }) => device.choices.fits(tile));
  const groupsOf = (tile: MatmulTile) => Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns);
  const found = preferred.find(({ tile, groups }) => groupsOf(tile) >= groups) ?? preferred.at(-1);
  return found?.tile ?? LANES;
}
