import type { Device } from "../gpu/mod.ts";
import { LANES, type MatmulTile } from "./matmul_tiles.ts";

/** A product of few rows with a matrix [K, N], or [N, K] where it is transposed. */
export interface VectorSizes {
  /** N; of a gated pair of matrices, of one of them. */
  readonly columns: number;
  /** K. */
  readonly depth: number;
  /** Bytes of an element of the matrix. */
  readonly elementBytes: number;
  /** Whether the matrix is stored [N, K]. */
  readonly transposed: boolean;
  /** Whether rows are normed first. */
  readonly normed?: boolean;
  /** Whether each column takes two rows of the matrix. */
  readonly paired?: boolean;
}

/** What is usual on a GPU. Of forty on an H100, with matrices that no cache holds: few columns want many threads for each. */
const USUAL_VECTORS = { wide: vector(8, 64), narrow: vector(4, 128), narrowest: vector(4, 256, 1) };

/** Ways to multiply few rows: threads that share columns. */
export const vectorTiles: readonly MatmulTile[] = [
  ...Object.values(USUAL_VECTORS),
  vector(4, 64),
  vector(8, 128, 2),
  vector(8, 32, 2),
  LANES,
];

/**
 * What is usual on a GPU with a transposed side. Of some thirty for each of twelve shapes on an H100: a thread has all loads of its
 * part of a row under way at once, four to eight of them. Rows are shared by the more threads the longer they are.
 */
const USUAL_DOTS = {
  short: dot(64, 2, 64, 8),
  middle: dot(128, 1, 128, 8),
  long: dot(128, 2, 128, 16),
  longest: dot(256, 1, 256, 8),
  normedLong: dot(64, 2, 64, 16),
  gated: dot(64, 4, 64, 16),
};

/** Ways to multiply few rows with a transposed side: threads that share columns, and how many. */
export const dotTiles: readonly MatmulTile[] = [
  ...Object.values(USUAL_DOTS),
  dot(32, 4, 64, 8),
  dot(16, 4, 64, 8),
  dot(32, 2, 128, 16),
  dot(32, 4, 256, 8),
  LANES,
];

function vector(columns4: number, slices: number, ahead = 4): MatmulTile {
  const middle = middleOf(slices);
  return {
    name: `vector ${4 * columns4} columns, ${slices} slices`,
    rows: 1,
    columns: 4 * columns4,
    threads: columns4 * slices,
    // Halves make two vec4s of sums.
    workgroupBytes: 32 * columns4 * slices,
    constants: { COLUMNS4: columns4, SLICES: slices, AHEAD: ahead, MIDDLE: middle, STRETCH: slices / middle },
  };
}

function dot(lanes: number, columns: number, threads: number, loads: number): MatmulTile {
  return {
    name: `dot ${lanes} lanes, ${columns} columns, ${threads} threads, ${loads} loads`,
    rows: 1,
    columns: threads / lanes * columns,
    threads,
    // Sums of a thread's columns, of at most eight, and of squares.
    workgroupBytes: 4 * (threads + middleOf(lanes) * threads / lanes) * 12,
    constants: { THREADS: threads, LANES: lanes, COLS: columns, LOADS: loads },
  };
}

/** Of so many numbers that threads add in two steps, how many the first step leaves. */
export function middleOf(count: number): number {
  return count >= 128 ? 16 : count >= 64 ? 8 : 4;
}

/** The question under which products of few rows are tuned. */
export function vectorQuestion(columns: number, transposed: boolean): string {
  return `decode matmul${transposed ? " transposed" : ""} ${columns >= 4096 ? "wide" : "narrow"}`;
}

/** The way to multiply few rows on a device. It doesn't depend on how many there are: a row comes out the same with others. */
export function vectorTile(device: Device, sizes: VectorSizes): MatmulTile {
  const { columns, transposed } = sizes;
  const tiles = transposed ? dotTiles : vectorTiles;
  const usual = device.info.software ? LANES : transposed ? usualDot(sizes) : usualVector(sizes);
  const { choices } = device;
  const fallback = choices.fits(usual) ? usual : tiles.find((tile) => choices.fits(tile)) ?? LANES;
  return choices.of(vectorQuestion(columns, transposed), tiles, fallback);
}

function usualVector({ columns, elementBytes }: VectorSizes): MatmulTile {
  const loads = columns * elementBytes / 16;
  const { wide, narrow, narrowest } = USUAL_VECTORS;
  return loads >= 1024 ? wide : loads >= 512 ? narrow : narrowest;
}

function usualDot({ columns, depth, elementBytes, normed, paired }: VectorSizes): MatmulTile {
  const loads = depth * elementBytes / 16;
  const { short, middle, long, longest, normedLong, gated } = USUAL_DOTS;
  // Each workgroup norms the row of x for itself: it gets more columns then.
  if (normed) return paired ? gated : loads <= 256 ? short : normedLong;
  if (loads <= 128) return short;
  // Where rows are short and many, a workgroup of one takes less time than it takes to start.
  if (loads <= 512) return loads <= 256 && columns > 4096 ? long : middle;
  return loads <= 1024 ? long : longest;
}
