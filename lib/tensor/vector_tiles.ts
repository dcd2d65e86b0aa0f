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

/** Shapes that are tuned together, and the tile that is usual for them on a GPU. */
interface ShapeClass {
  readonly question: string;
  readonly tile: MatmulTile;
}

/** Of forty tiles on an H100, with matrices that no cache holds: few columns want many threads for each. */
const VECTORS = {
  wide: { question: "decode matmul wide", tile: vector(8, 64) },
  narrow: { question: "decode matmul narrow", tile: vector(4, 128) },
  narrowest: { question: "decode matmul narrowest", tile: vector(4, 256, 1) },
} satisfies Record<string, ShapeClass>;

/** Two columns of 64 threads each: for short rows, and for normed ones. */
const PAIRS = dot(64, 2, 64, 16);

/**
 * Of some thirty tiles for each of twelve shapes on an H100: a thread has all loads of its part of a row under way at once, two to
 * eight of them, and a row is shared by the more threads the longer it is.
 */
const DOTS = {
  short: { question: "decode matmul transposed short", tile: PAIRS },
  middle: { question: "decode matmul transposed middle", tile: dot(128, 1, 128, 8) },
  long: { question: "decode matmul transposed long", tile: dot(128, 2, 128, 16) },
  longest: { question: "decode matmul transposed longest", tile: dot(256, 1, 256, 8) },
  normed: { question: "decode matmul transposed normed", tile: PAIRS },
  gated: { question: "decode matmul transposed gated", tile: dot(64, 4, 64, 16) },
} satisfies Record<string, ShapeClass>;

/** Ways to multiply few rows: threads that share columns. */
export const vectorTiles: readonly MatmulTile[] = [
  VECTORS.wide.tile,
  VECTORS.narrow.tile,
  VECTORS.narrowest.tile,
  vector(4, 64),
  vector(8, 128, 2),
  vector(8, 32, 2),
  LANES,
];

/** Ways to multiply few rows with a transposed side: threads that share columns, and how many. */
export const dotTiles: readonly MatmulTile[] = [
  DOTS.short.tile,
  DOTS.middle.tile,
  DOTS.long.tile,
  DOTS.longest.tile,
  DOTS.gated.tile,
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

/** All questions under which products of few rows are tuned. */
export function vectorQuestions(transposed: boolean): string[] {
  return Object.values(transposed ? DOTS : VECTORS).map(({ question }) => question);
}

/** The question under which a product of few rows is tuned. */
export function vectorQuestion(sizes: VectorSizes): string {
  return classOf(sizes).question;
}

/** The way to multiply few rows on a device. It doesn't depend on how many there are: a row comes out the same with others. */
export function vectorTile({ choices, info }: Pick<Device, "choices" | "info">, sizes: VectorSizes): MatmulTile {
  const { question, tile } = classOf(sizes);
  const tiles = sizes.transposed ? dotTiles : vectorTiles;
  const usual = info.software ? LANES : choices.fits(tile) ? tile : tiles.find((each) => choices.fits(each)) ?? LANES;
  return choices.of(question, tiles, usual);
}

function classOf({ columns, depth, elementBytes, transposed, normed, paired }: VectorSizes): ShapeClass {
  if (!transposed) {
    const loads = columns * elementBytes / 16;
    return loads >= 1024 ? VECTORS.wide : loads >= 512 ? VECTORS.narrow : VECTORS.narrowest;
  }
  // Each workgroup norms the row of x for itself: it gets more columns then.
  if (normed) return paired ? DOTS.gated : DOTS.normed;
  const loads = depth * elementBytes / 16;
  if (loads <= 128) return DOTS.short;
  // Where rows are short and many, a workgroup of one takes less time than it takes to start.
  if (loads <= 512) return loads <= 256 && columns > 4096 ? DOTS.long : DOTS.middle;
  return loads <= 1024 ? DOTS.long : DOTS.longest;
}
