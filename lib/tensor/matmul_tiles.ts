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
const LANES: MatmulTile = { name: "lanes", rows: 8, columns: 64 };

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

/** Ways to multiply few rows: threads that share columns. */
export const vectorTiles: readonly MatmulTile[] = [
  vector(8, 128),
  vector(8, 64),
  vector(8, 32),
  vector(16, 64),
  vector(16, 32),
  vector(4, 64),
  LANES,
];

/**
 * Ways to multiply few rows with a transposed side: threads that share columns, and how many. Of sixty on an H100 the first is near
 * the fastest for every shape; why small ones win was not found out.
 */
export const dotTiles: readonly MatmulTile[] = [
  dot(32, 4, 64),
  dot(64, 4, 64),
  dot(16, 4, 64),
  dot(32, 2, 128, 16),
  dot(32, 1),
  dot(32, 2),
  dot(32, 4),
  dot(16, 1),
  dot(16, 2),
  dot(16, 4),
  dot(64, 1),
  dot(64, 2),
  LANES,
];

function vector(columns4: number, slices: number): MatmulTile {
  return {
    name: `vector ${4 * columns4} columns, ${slices} slices`,
    rows: 1,
    columns: 4 * columns4,
    threads: columns4 * slices,
    workgroupBytes: 16 * columns4 * slices,
    constants: { COLUMNS4: columns4, SLICES: slices, AHEAD: 2 },
  };
}

function dot(lanes: number, columns: number, threads = 256, loads = 8): MatmulTile {
  return {
    name: `dot ${lanes} lanes, ${columns} columns${
      threads < 256 || loads !== 8 ? `, ${threads} threads, ${loads} loads` : ""
    }`,
    rows: 1,
    columns: threads / lanes * columns,
    threads,
    // Sums of a thread's columns, of at most eight, and of squares.
    workgroupBytes: 4 * (threads + 4 * threads / lanes) * 12,
    constants: { THREADS: threads, LANES: lanes, COLS: columns, LOADS: loads },
  };
}

/** The question under which products of few rows are tuned. */
export function vectorQuestion(columns: number, transposed: boolean): string {
  return `decode matmul${transposed ? " transposed" : ""} ${columns >= 4096 ? "wide" : "narrow"}`;
}

/** The way to multiply few rows on a device. */
export function vectorTile(device: Device, columns: number, transposed: boolean): MatmulTile {
  const tiles = transposed ? dotTiles : vectorTiles;
  // Of thirteen on an H200, with matrices that no cache holds: few columns want many threads for each.
  const first = !transposed && columns >= 4096 ? 1 : 0;
  const fallback = device.info.software ? LANES : tiles.slice(first).find((tile) => device.choices.fits(tile)) ?? LANES;
  return device.choices.of(vectorQuestion(columns, transposed), tiles, fallback);
}
