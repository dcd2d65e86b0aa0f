import type { KernelOption } from "../../gpu/mod.ts";
import { joinAttentionParts, Tensor } from "../../tensor/mod.ts";
import type { AttendedTokens, AttentionStep } from "../step.ts";
import type { KeyValueCache } from "../cache/kv_cache.ts";
import type { Slab } from "../cache/slab.ts";
import { readsStored } from "../cache/storage.ts";

/** Tokens of a workgroup. */
export const SPLIT_BLOCK = 128;
/** Most pairs (row, query head of a KV head's group) that share what is read. */
const MOST_PAIRS = 16;
/** Longest head. */
const MOST_CHANNELS = 256;

/** Ways to attend in decoding: from gathered tokens, or straight from the pages, split over workgroups. */
const decodeAttentions: readonly KernelOption[] = [
  { name: "gathered" },
  { name: "split", threads: 256, workgroupBytes: 16 * 1024 },
];

/** Whether a step's attention can be, and on its device should be, split over tokens. */
export function splits(step: AttentionStep): boolean {
  return step.once("splits", () => shouldSplit(step));
}

function shouldSplit(step: AttentionStep): boolean {
  const { shape } = step.context.cache;
  const { queryHeads, keyValueHeads, headSize } = shape;
  const fits = step.rows * queryHeads / keyValueHeads <= MOST_PAIRS && headSize % 8 === 0 &&
    headSize <= MOST_CHANNELS && !step.context.cache.pool.host &&
    !shape.slidingWindow;
  const { choices, info } = step.device;
  const [gathered, split] = decodeAttentions;
  const usual = info.software || !choices.fits(split) ? gathered : split;
  return fits && choices.of("decode attention", decodeAttentions, usual).name === "split";
}

/** Blocks of the list that lie in one slab, or may. */
export interface SplitCall {
  /** The slab. */
  readonly slab: Slab;
  /** How kernels find tokens in it. */
  readonly addressing: ReturnType<KeyValueCache["addressing"]>;
  /** The first block of tokens, and how many. */
  readonly firstBlock: number;
  readonly blocks: number;
  /** Angles of their positions, and the first of these. */
  readonly rotation: Tensor;
  readonly firstPosition: number;
}

/** A list as one call a slab. */
export function splitCalls(step: AttentionStep, { bound }: AttendedTokens, rotation: Tensor): SplitCall[] {
  const { cache } = step.context;
  const slabs = step.once("slabs", () => cache.slabs().map((slab) => ({ slab, addressing: cache.addressing(slab) })));
  const blocks = Math.ceil(bound / SPLIT_BLOCK);
  return slabs.map((slab) => ({ ...slab, firstBlock: 0, blocks, rotation, firstPosition: 0 }));
}

/**
 * Attends over listed tokens straight from the cache's pages. Sums run in another order than in `causalAttention`.
 *
 * @param queries f32 [batch, rows, query heads, head size], before rotation
 * @param calls cover the list in every slab
 * @param turned whether the queries are rotated already. Default: by the first call's angles, which are then all there are
 * @returns f32 of the queries' shape
 */
export function attendSplit(
  step: AttentionStep,
  layer: number,
  queries: Tensor,
  attended: AttendedTokens,
  calls: readonly SplitCall[],
  turned = false,
): Tensor {
  const { cache, method } = step.context;
  const { queryHeads, keyValueHeads, headSize } = cache.shape;
  const pairs = step.rows * queryHeads / keyValueHeads;
  const splitCount = calls.reduce((sum, { blocks }) => sum + blocks, 0);
  const groups = cache.batch * keyValueHeads;
  const rows = { step_rows: step.rows, query_heads: queryHeads, heads: keyValueHeads };
  using parts = Tensor.empty(step.device, [groups, pairs, splitCount, headSize + 4], "f32", "attention parts");
  let firstSplit = 0;
  for (const { slab, addressing, firstBlock, blocks, rotation, firstPosition } of calls) {
    const { page_tokens, table_stride, slab_first, slab_pages } = addressing;
    step.device.commands.dispatch({
      kernel: "attention_split",
      ...readsStored({ keys: cache.pool.keyType, values: cache.pool.valueType }),
      constants: { ...splitConstants(step, pairs), TURNED: Number(turned) },
      params: {
        ...rows,
        splits: splitCount,
        ...{ page_tokens, table_stride, slab_first, slab_pages },
        selections: attended.selections,
        indices_stride: attended.bound,
        original: Number(method.knobs.positions === "original"),
        ...{ blocks, first_block: firstBlock, first_position: firstPosition, first_split: firstSplit },
        scale: 1 / Math.sqrt(headSize),
      },
      bindings: [
        queries.buffer,
        slab.keys[layer],
        slab.values[layer],
        ...[cache.table, attended.indices, attended.counts, rotation, parts].map(({ buffer }) => buffer),
      ].map((buffer) => ({ buffer })),
      groups: groups * blocks,
      work: 2 * groups * blocks * SPLIT_BLOCK * headSize * pairs,
    });
    firstSplit += blocks;
  }
  const output = Tensor.empty(step.device, queries.shape, "f32", "attention output");
  joinAttentionParts(parts, rows, { buffer: output.buffer });
  return output;
}

/** Keys that a thread loads at once. */
const KEYS_AHEAD = 4;

/** Constants of attention_split.wgsl: as many threads share a key as workgroup memory has room for their sums. */
function splitConstants({ context: { cache }, device }: AttentionStep, PAIRS: number): Record<string, number> {
  const D8 = cache.shape.headSize / 8;
  const bytes = (lanes: number) => 4 * PAIRS * SPLIT_BLOCK * (lanes + 1) + 32 * PAIRS * D8 + 4 * 1024;
  const room = Math.min(device.info.workgroupBytes, 32 * 1024);
  const LANES = [8, 4, 2].find((lanes) => D8 % lanes === 0 && bytes(lanes) <= room) ?? 1;
  return {
    D8,
    PAIRS,
    LANES,
    CHUNKS: D8 / LANES,
    AHEAD: Math.min(LANES, KEYS_AHEAD),
    SCALED: Number(cache.pool.valueType === "int8"),
    SHARE: 2 ** Math.floor(Math.log2(SPLIT_BLOCK / PAIRS)),
  };
}
