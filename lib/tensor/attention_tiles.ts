import type { Device, KernelName, KernelOption } from "../gpu/mod.ts";

/** A way to attend: a kernel, and the pairs (row, query head) that a workgroup takes. */
export interface AttentionTile extends KernelOption {
  /** The kernel. */
  readonly kernel: KernelName;
  /** Pairs of a workgroup. */
  readonly pairs: number;
  /** Threads along the keys of a tile; undefined: each thread on its own. */
  readonly across?: number;
}

/** Each thread some pairs on its own, a SIMD register of the software adapter together. */
const LANES: AttentionTile = { name: "lanes", kernel: "causal_attention", pairs: 16 };
const WIDE_LANES: AttentionTile = { name: "wide lanes", kernel: "causal_attention", pairs: 64 };
/** Longest heads for which many pairs a thread are compiled within moments. */
const WIDE_CHANNELS4 = 16;
/** Threads of a workgroup of causal_attention.wgsl. */
const LANE_THREADS = 8;

/** Pairs of a workgroup of attention_tiled.wgsl. */
const TILE_PAIRS = 64;
/** Most channels that its workgroup memory is counted for, in vec4s. */
const MOST_CHANNELS4 = 32;

/** All ways. */
export const attentionTiles: readonly AttentionTile[] = [tiled(16), tiled(8), WIDE_LANES, LANES];

function tiled(across: number): AttentionTile {
  const keys = 4 * across;
  const staged = Math.max(32 * 17 + 32 * (across + 1), keys / 2 * MOST_CHANNELS4);
  return {
    name: `tiled ${TILE_PAIRS}x${keys}`,
    kernel: "attention_tiled",
    pairs: TILE_PAIRS,
    across,
    threads: 16 * across,
    workgroupBytes: 16 * (staged + keys * 17) + 4 * TILE_PAIRS * (across + 1) + 4,
  };
}

/** The way to attend for so many pairs of a KV head, heads of so many vec4s, and the kernel's constants. */
export function attentionTile(
  device: Device,
  pairs: number,
  channels4: number,
): AttentionTile & { constants: Record<string, number> } {
  // A tile of 64 would compute most of itself in vain; longer heads need more memory than was counted.
  const alone = pairs < TILE_PAIRS / 4 || channels4 > MOST_CHANNELS4;
  const fallback = device.info.software
    ? pairs >= WIDE_LANES.pairs && channels4 <= WIDE_CHANNELS4 ? WIDE_LANES : LANES
    : attentionTiles.find((tile) => device.choices.fits(tile)) ?? LANES;
  const tile = alone ? LANES : device.choices.of("attention", attentionTiles, fallback);
  const lanes = { PAIRS: tile.pairs / LANE_THREADS };
  return { ...tile, constants: { D4: channels4, ...(tile.across ? tiledConstants(tile.across, channels4) : lanes) } };
}

function tiledConstants(across: number, channels4: number): Record<string, number> {
  const threads = 16 * across;
  return {
    XS: across,
    HALF: 2 * across,
    CHUNKS: Math.ceil(channels4 / 8),
    OUTPUTS: Math.ceil(channels4 / across),
    LOADS: Math.ceil(2 * across * channels4 / threads),
    QUERY_LOADS: TILE_PAIRS * 8 / threads,
  };
}
