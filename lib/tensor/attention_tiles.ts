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

/** The same from copies of keys and values as images; a workgroup's lanes may also take parts of the keys. */
const IMAGES: AttentionTile = { name: "images", kernel: "causal_attention_image", pairs: 32 };

/** Pairs of a workgroup of attention_tiled.wgsl. */
const TILE_PAIRS = 64;
/** All ways. */
export const attentionTiles: readonly AttentionTile[] = [
  tiled(8),
  tiled(16),
  tiled(32),
  transposed(8, 16),
  transposed(16, 16),
  transposed(16, 8),
  transposed(16, 8, 4),
  WIDE_LANES,
  LANES,
  IMAGES,
];

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

/** Tiles by rows of 8 or 16 threads, 8 or 4 pairs by 8 keys each (4 with 8 threads across only); see attention_transposed.wgsl. */
function transposed(rows: number, across: number, each: 4 | 8 = 8): AttentionTile {
  return {
    name: `transposed ${each * rows}x${8 * across}, ${rows}x${across} threads`,
    kernel: "attention_transposed",
    pairs: each * rows,
    across,
    threads: rows * across,
    workgroupBytes: 16 * 16 * (each / 4 * rows + 1 + 2 * across + 1) + 4,
  };
}

/** Keys of a tile that one thread scores. */
function threadKeys(across: number): number {
  return across === 8 ? 8 : 4;
}

/**
 * Threads of a tiled way's workgroups that are few for a large GPU, and how many there are to be then; fewest and most keys that a
 * workgroup takes (never less than a tile; a submit should not last a small GPU long); most parts of a row's keys. On an H100 parts
 * took half of a whole prompt's time off at 512 tokens and a third at 2,048; on an H200 they added an eighth at 4,096, and parts of
 * 384 keys were 3 % faster at 2,048 than of 512 or 256.
 */
const SPLITTING = { few: 2 ** 16, threads: 3 * 2 ** 16, fewestKeys: 128, mostKeys: 32768, most: 32 };

/** In how many parts the keys are attended to, each by workgroups of their own, where the rows alone give too few of those. */
export function attentionSplits(
  { across, threads = 1 }: Pick<AttentionTile, "across" | "threads">,
  groups: number,
  keys: number,
): number {
  if (!across) return 1;
  const { few, threads: enough, fewestKeys, mostKeys, most } = SPLITTING;
  const own = groups * threads;
  const wanted = Math.max(own < few ? Math.floor(enough / own) : 1, Math.ceil(keys / mostKeys));
  return Math.max(1, Math.min(wanted, Math.floor(keys / Math.min(fewestKeys, 8 * across)), most));
}

/** What a tiled kernel is told of the keys' parts: `sequences` of so many keys each, at most. */
export function splitParams(
  { kernel, across }: Pick<AttentionTile, "kernel" | "across">,
  splits: number,
  keys: number,
  sequences: number,
): Record<string, number> {
  if (!across) return {};
  if (kernel !== "attention_transposed") return { splits };
  const tileKeys = 8 * across;
  return { splits, sequences, split_keys: tileKeys * Math.max(1, Math.ceil(keys / splits / tileKeys)) };
}

/** The question under which attention over heads of so many vec4s is tuned. */
export function attentionQuestion(channels4: number): string {
  return `attention ${channels4 <= 16 ? "short" : channels4 <= 32 ? "middle" : "long"} heads`;
}

/** The ways for heads of so many vec4s: a tiled one's threads sum one or two of them. */
export function attentionTilesFor(channels4: number): AttentionTile[] {
  return attentionTiles.filter(({ across }) => !across || Math.ceil(channels4 / across) <= 2);
}

/**
 * The way to attend for so many pairs of a KV head and heads of so many vec4s. `met` is how often a pair meets a key, in all heads and
 * sequences: where that is little, tiles are small.
 */
export function attentionTile(device: Device, pairs: number, channels4: number, met = Infinity): AttentionTile {
  const tiles = attentionTilesFor(channels4);
  const { software } = device.info;
  // A tile of 64 would compute most of itself in vain.
  if (pairs < TILE_PAIRS / 4) return software ? IMAGES : LANES;
  const fallback = software ? IMAGES : usualTiles(channels4, pairs, met).find((tile) => {
    return tiles.includes(tile) && device.choices.fits(tile) && tile.pairs <= Math.max(pairs, TILE_PAIRS);
  }) ?? LANES;
  return device.choices.of(attentionQuestion(channels4), tiles, fallback);
}

/** Whether keys and values are copied to images before they are attended to. */
export function attendsImages(device: Device, pairs: number, channels4: number): boolean {
  return attentionTile(device, pairs, channels4) === IMAGES;
}

/** The way to attend to keys and values in buffers, and the kernel's constants. */
export function bufferTile(
  device: Device,
  pairs: number,
  channels4: number,
  met?: number,
): AttentionTile & { constants: Record<string, number> } {
  const chosen = attentionTile(device, pairs, channels4, met);
  const lanes = pairs >= WIDE_LANES.pairs && channels4 <= WIDE_CHANNELS4 ? WIDE_LANES : LANES;
  const tile = chosen === IMAGES ? lanes : chosen;
  return { ...tile, constants: { D4: channels4, ...constantsOf(tile, channels4) } };
}

function constantsOf({ kernel, pairs, across, threads }: AttentionTile, channels4: number): Record<string, number> {
  if (!across) return { PAIRS: pairs / LANE_THREADS };
  return kernel === "attention_transposed"
    ? transposedConstants(pairs, threads! / across, across, channels4)
    : tiledConstants(across, channels4);
}

function transposedConstants(
  pairs: number,
  rows: number,
  across: number,
  channels4: number,
): Record<string, number> {
  const outputs = Math.ceil(channels4 / across);
  const each = pairs / rows;
  return {
    ROWS: each,
    FOURS: each / 4,
    SCORES: 2 * each,
    SIDE: across,
    SIDE4: across / 4,
    SIDE_ROWS: rows,
    TURNS: Math.ceil(channels4 / 4),
    OUTPUTS: outputs,
    LOADS_LEFT: 4 * each / across,
    PLACES_LEFT: 2 * each / across,
    LOADS_RIGHT: 32 / rows,
    LOADS_VALUES: 16 * outputs / rows,
  };
}

/** Pairs of a KV head from which on tiles of 128 pairs were faster on an H200: fewer give too few workgroups. */
const MANY_PAIRS = { short: 2 ** 16, long: 2 ** 14 };

/**
 * So few meetings are 512 tiles of 64x64, which a large GPU runs all at once: on an H200 with heads of 64, those of 4 pairs a thread
 * took 11 % less than 64x128 for 512 tokens of 8 query heads, 26 % less for 256, and as long for 1,024.
 */
const FEW_MET = 2 ** 21;

/**
 * What was fastest on an H100 and an H200 first. With 8 threads across, sums and scores of attention_tiled.wgsl take more registers
 * than a thread has; 64 pairs by 64 keys transposed, two warps, took 1.9 times as long as 64x128 at 4,096 tokens.
 */
function usualTiles(channels4: number, pairs: number, met: number): AttentionTile[] {
  const [eight, sixteen, thirtyTwo, half, whole, tall, small] = attentionTiles;
  if (channels4 <= 16) {
    const first = met <= FEW_MET ? [small] : pairs >= MANY_PAIRS.short ? [tall] : [];
    return [...first, half, sixteen, thirtyTwo, eight];
  }
  return [...pairs >= MANY_PAIRS.long ? [whole] : [], half, thirtyTwo, sixteen];
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
