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
/** Workgroups that keep all multiprocessors of a large GPU busy. */
const MANY_GROUPS = 512;

/** All ways. */
export const attentionTiles: readonly AttentionTile[] = [tiled(8), tiled(16), tiled(32), WIDE_LANES, LANES];

function tiled(across: number): AttentionTile {
  const keys = threadKeys(across);
  return {
    name: `tiled ${TILE_PAIRS}x${keys * across}, 8x${across} threads`,
    kernel: "attention_tiled",
    pairs: TILE_PAIRS,
    across,
    threads: 8 * across,
    workgroupBytes: 16 * 9 * (TILE_PAIRS + keys * across) + 4,
  };
}

/** Keys of a tile that one thread scores. */
function threadKeys(across: number): number {
  return across === 8 ? 8 : 4;
}

/** The question under which attention by so many workgroups over heads of so many vec4s is tuned. */
export function attentionQuestion(groups: number, channels4: number): string {
  const heads = channels4 <= 16 ? "short" : channels4 <= 32 ? "middle" : "long";
  return `attention ${groups < MANY_GROUPS ? "few" : "many"} groups, ${heads} heads`;
}

/** The ways for heads of so many vec4s: a tiled one's threads sum one or two of them. */
export function attentionTilesFor(channels4: number): AttentionTile[] {
  return attentionTiles.filter(({ across }) => !across || Math.ceil(channels4 / across) <= 2);
}

/** The way to attend for so many pairs of `heads` KV heads of so many vec4s, and the kernel's constants. */
export function attentionTile(
  device: Device,
  pairs: number,
  heads: number,
  channels4: number,
): AttentionTile & { constants: Record<string, number> } {
  const groups = heads * Math.ceil(pairs / TILE_PAIRS);
  // A tile of 64 would compute most of itself in vain.
  const tile = pairs < TILE_PAIRS / 4
    ? LANES
    : device.choices.of(attentionQuestion(groups, channels4), attentionTilesFor(channels4), defaultTile());
  const lanes = { PAIRS: tile.pairs / LANE_THREADS };
  return { ...tile, constants: { D4: channels4, ...(tile.across ? tiledConstants(tile.across, channels4) : lanes) } };

  function defaultTile(): AttentionTile {
    if (device.info.software) return pairs >= WIDE_LANES.pairs && channels4 <= WIDE_CHANNELS4 ? WIDE_LANES : LANES;
    // On an H100 few threads a workgroup were faster where many workgroups of short heads fill all multiprocessors.
    const usual = groups >= MANY_GROUPS && channels4 <= 16 ? [tiled(16), tiled(8)] : [tiled(32), tiled(16), tiled(8)];
    const fitting = attentionTilesFor(channels4).map(({ name }) => name);
    return usual.find((tile) => fitting.includes(tile.name) && device.choices.fits(tile)) ?? LANES;
  }
}

function tiledConstants(across: number, channels4: number): Record<string, number> {
  const keys = threadKeys(across);
  const outputs = Math.ceil(channels4 / across);
  // Values of as many keys as lie in the place of a turn's keys: a part of 32, or of its halvings.
  const stageKeys = [32, 16, 8].find((count) => count * outputs <= 8 * keys) ?? 4;
  return {
    XS: across,
    XS4: across / 4,
    THREADS: 8 * across,
    THREAD_KEYS: keys,
    KEYS4: keys / 4,
    CHUNKS: Math.ceil(channels4 / 8),
    QUERY_LOADS: TILE_PAIRS / across,
    OUTPUTS: outputs,
    STAGE_KEYS4: stageKeys / 4,
    STAGES: 32 / stageKeys,
    SLOTS: 2 / outputs,
    VALUE_LOADS: stageKeys * outputs / 8,
  };
}
