import { fill, Tensor } from "../../tensor/mod.ts";
import type { BestLists } from "./best_lists.ts";
import type { ScoredPages, ScoreSource } from "./score_source.ts";
import { headVectors } from "../shape.ts";
import type { AttentionStep } from "../step.ts";
import { readsStored, type StorageType } from "../cache/storage.ts";

/** Pairs (row, query head of a KV head's group) from which on tiles of scores are filled well. */
export const MANY_PAIRS = 24;
/** Channels of a head are a multiple of this where tiles are made. */
const TILE_CHANNELS = 16;
/**
 * Threads along the rows and along the tokens of score_groups.wgsl, and what each of them scores: of twenty-nine on an H100 the
 * fastest.
 */
const SIDE_ROWS = 16;
const SIDE = 16;
const ROWS = 8;
const COLUMNS = 8;
/** Pairs that share keys in scan_groups.wgsl, and vectors of queries that one of its threads holds. */
const FEW_PAIRS = 8;
const HELD_VECTORS = 16;
/** Longest list that a team of threads keeps in registers, threads of such a team, and of a workgroup of them. */
const MOST_SHORT = 8;
const MOST_TEAM = 32;
const SHORT_THREADS = 128;
/** Workgroups that keep a large GPU busy: with tiles, and without. */
const MANY_TILES = 512;
const MANY_SCANS = 1024;
/** Tokens of a group: a multiple of this. */
const LEAST_GROUP = 8;
/** A score that any is higher than. */
const LOWEST = -3.4028234663852886e38;

/** How queries are scored by groups of neighbouring tokens. */
export interface GroupPlan {
  /** What makes kernels read keys as the plan's do. */
  readonly reads: ReturnType<typeof readsStored>;
  /** The kernel that scores, and its constants. */
  readonly kernel: "score_groups" | "scan_groups";
  readonly constants: Readonly<Record<string, number>>;
  /** How the kernel that scores again sums, by what, and its threads. */
  readonly again: { readonly part: string; readonly constants: Readonly<Record<string, number>> };
  /** Queries of all KV heads and sequences. */
  readonly queries: number;
  /** Workgroups that a block takes, over all KV heads and sequences. */
  readonly tiles: number;
  /** Tokens of a group, and how many groups there are. */
  readonly groupTokens: number;
  readonly groups: number;
  /** Blocks that the middle should be cut in, or each slab's part of it. */
  readonly wantedBlocks: number;
  /** Tokens of a block, a multiple of the groups that a workgroup has at a time, and how many blocks there are. */
  readonly blockTokens: number;
  readonly blocks: number;
  readonly together: number;
}

/**
 * The plan for a source's queries: tiles where they are many.
 *
 * @param apart whether each query has a workgroup of its own that picks: pick_best.wgsl
 */
export function planGroups(step: AttentionStep, source: ScoreSource, apart = false): GroupPlan {
  const { device, middleLength, context: { cache, method: { knobs: { k } } } } = step;
  const { keyValueHeads, headSize } = cache.shape;
  const pairs = source.rows.shape[1] * source.heads / keyValueHeads;
  const many = pairs >= MANY_PAIRS && headSize % TILE_CHANNELS === 0;
  const type = source.pages[0]?.type ?? "f32";
  const way = many ? byTiles(pairs, type) : byScan(pairs, headVectors(headSize), type);
  const queries = cache.batch * keyValueHeads * pairs;
  const tiles = cache.batch * keyValueHeads * Math.ceil(pairs / way.pairs);
  const wantedBlocks = Math.max(1, Math.floor((many ? MANY_TILES : MANY_SCANS) / tiles));
  // Longer groups have fewer highest scores to write and look at, and more tokens to score again: with many queries their bytes, with
  // few the turns in which one workgroup reads them.
  const balanced = Math.sqrt(middleLength / k * (many ? 2.5 / headSize : apart ? 1 / 16 : 1 / 64));
  // Where all groups' highest scores would be past a step's scratch, groups are longer.
  const room = 4 * queries * middleLength / Math.min(device.buffers.scratchBytes, device.info.bindingBytes * 3 / 4);
  const exponents = [Math.round(Math.log2(balanced)), Math.ceil(Math.log2(room)), Math.log2(LEAST_GROUP)];
  const groupTokens = 2 ** Math.max(...exponents);
  return {
    ...way,
    queries,
    tiles,
    groupTokens,
    groups: Math.ceil(middleLength / groupTokens),
    wantedBlocks,
    ...cutInBlocks(middleLength, wantedBlocks, way.together * groupTokens),
  };
}

/** About as many blocks of `tokens` tokens as are wanted, each of whole ranges. */
function cutInBlocks(tokens: number, wanted: number, rangeTokens: number): { blockTokens: number; blocks: number } {
  const blockTokens = rangeTokens * Math.ceil(tokens / wanted / rangeTokens);
  return { blockTokens, blocks: Math.ceil(tokens / blockTokens) };
}

/** Tiles of scores: half as high where half of one would be empty. */
function byTiles(pairs: number, type: StorageType) {
  const sideRows = pairs > SIDE_ROWS * ROWS / 2 ? SIDE_ROWS : SIDE_ROWS / 2;
  return {
    reads: readsStored({ keys: type }),
    kernel: "score_groups" as const,
    pairs: sideRows * ROWS,
    together: SIDE,
    constants: { SIDE_ROWS: sideRows, LOADS_TOKENS: 4 * COLUMNS / sideRows },
    again: { part: "score_chain", constants: { THREADS: 64 } },
  };
}

/**
 * Few pairs: as many threads share a token as hold few vectors of the queries. f16 is read eight channels at once where heads are made
 * of eights. On an H200 32 query heads on 8 were scored so in 25 us where loads of four channels took 35 (65,536 tokens, head size 64).
 */
function byScan(pairs: number, vectors: number, type: StorageType) {
  const PAIRS = Math.min(pairs, FEW_PAIRS);
  const wide = type === "f16" && vectors % 2 === 0;
  const VECTORS = wide ? 2 : 1;
  const LANES = [32, 16, 8, 4, 2].find((lanes) => {
    return vectors % (VECTORS * lanes) === 0 && (lanes <= 4 || vectors * PAIRS > HELD_VECTORS * lanes / 2);
  }) ?? 1;
  // As many bytes on their way, or nearly.
  const AHEAD = Math.min(LANES, type === "int8" ? 4 : 2);
  // At least eight tokens together.
  const THREADS = LANES > (wide ? 4 : 16) ? 128 : 64;
  const together = THREADS / LANES * AHEAD / 8;
  const shared = { LANES, VECTORS, PER: vectors / VECTORS / LANES, ...(wide && { D8: vectors / 2 }) };
  return {
    reads: wide ? { types: {}, parts: ["keys_wide_f16"] } : readsStored({ keys: type }),
    kernel: "scan_groups" as const,
    pairs: PAIRS,
    together,
    constants: {
      ...shared,
      ...{ THREADS, PAIRS, AHEAD, SCALED: Number(type === "int8") },
      ITEMS: Math.ceil(8 * together * PAIRS / THREADS),
    },
    again: { part: "score_lanes", constants: { ...shared, THREADS: 256 } },
  };
}

/**
 * The k best tokens of each query, with workgroups that share keys: every token is scored once, of which the highest score of each group of
 * neighbours is kept; then the tokens of each query's k best groups are scored again, and the k best of them taken. Exact: a token
 * outside of those groups has k better ones.
 */
export function scoreByGroups(step: AttentionStep, source: ScoreSource): BestLists {
  const plan = planGroups(step, source);
  using bests = scoreGroups(step, source, plan);
  return rescoreGroups(step, source, plan, bests);
}

/** The highest score of each group, f32 [queries, groups]. */
export function scoreGroups(step: AttentionStep, source: ScoreSource, plan: GroupPlan): Tensor {
  const { device, middleLength, context: { cache: { shape: { headSize } } } } = step;
  const shape = [plan.queries, plan.groups];
  const tiled = plan.kernel === "score_groups";
  // One slab after the other scores its part of the middle; where parts lie between each other, each raises what is there.
  const apart = source.pages.length === 1 || source.pages.every(({ span }) => span.whole);
  const bests = tiled && !apart
    ? fill(device, shape, LOWEST)
    : Tensor.empty(device, shape, "f32", "best scores of groups");
  source.pages.forEach((pages, index) => {
    const { buffer, addressing } = pages;
    const { blocks, blockTokens, params } = tiled
      ? partOf(plan, pages, apart)
      : { ...plan, params: { resume: Number(index > 0) } };
    device.commands.dispatch({
      kernel: plan.kernel,
      ...plan.reads,
      constants: {
        D4: headVectors(headSize),
        ...plan.constants,
        SLABS: source.pages.length > 1 ? 2 : 1,
        // Written out, it makes shifts of divisions.
        ...(!tiled && { PAGE_TOKENS: addressing.page_tokens }),
      },
      params: {
        ...addressing,
        step_rows: source.rows.shape[1],
        query_heads: source.heads,
        groups: plan.groups,
        group_tokens: plan.groupTokens,
        blocks,
        block_tokens: blockTokens,
        ...params,
      },
      bindings: [source.rows.buffer, buffer, source.table.buffer, source.parts.buffer, bests.buffer]
        .map((buffer) => ({ buffer })),
      groups: plan.tiles * blocks,
      work: plan.queries * Math.min(middleLength, addressing.slab_pages * addressing.page_tokens) * headSize,
    });
  });
  return bests;
}

/**
 * The blocks of one slab's part of the middle: another slab's would be scored for nothing, by few workgroups. Ranges, from the first
 * on, that may hold tokens of slabs before this one, are looked at token by token.
 */
function partOf(
  { together, groupTokens, wantedBlocks }: GroupPlan,
  { span: { first, end } }: ScoredPages,
  apart: boolean,
) {
  const rangeTokens = together * groupTokens;
  const first_token = rangeTokens * Math.floor(first / rangeTokens);
  const mixed_ranges = apart ? Number(first > first_token) : 0xffffffff;
  return {
    ...cutInBlocks(end - first_token, wantedBlocks, rangeTokens),
    params: { first_token, end_token: end, mixed_ranges },
  };
}

/** Threads of a query that finds its k best tokens, and columns of them that bound the k-th: constants of parts/best_in_groups.wgsl. */
function teamOf(k: number, threads: number): Readonly<Record<"TEAM" | "COLUMNS" | "COLUMN_ROWS", number>> {
  const TEAM = Math.min(MOST_TEAM, threads);
  return { TEAM, ...columnsOf(k, TEAM) };
}

/**
 * Columns of a query's threads that bound its k-th best, twice as many as are wanted: the k-th best of them is hardly ever far from
 * the k-th best of all.
 */
export function columnsOf(k: number, threads: number): Readonly<Record<"COLUMNS" | "COLUMN_ROWS", number>> {
  const COLUMNS = Math.min(threads, 2 ** Math.ceil(Math.log2(2 * k)));
  return { COLUMNS, COLUMN_ROWS: threads / COLUMNS };
}

function rescoreGroups(step: AttentionStep, source: ScoreSource, plan: GroupPlan, bests: Tensor): BestLists {
  const { device, context: { cache, method: { knobs: { k } } } } = step;
  const { keyValueHeads, headSize } = cache.shape;
  const pairs = plan.queries / (cache.batch * keyValueHeads);
  const scores = Tensor.empty(device, [cache.batch, keyValueHeads, pairs, 1, k], "f32", "best scores");
  const tokens = Tensor.empty(device, scores.shape, "u32", "best tokens");
  const slabs = source.pages.length;
  const short = k <= MOST_SHORT && (slabs === 1 || plan.kernel === "score_groups");
  const THREADS = device.choices.threads(SHORT_THREADS);
  const team = teamOf(k, THREADS);
  source.pages.forEach(({ buffer, addressing }, index) => {
    device.commands.dispatch({
      kernel: short ? "rescore_short_groups" : "rescore_groups",
      types: plan.reads.types,
      parts: [...plan.reads.parts, plan.again.part],
      constants: {
        D4: headVectors(headSize),
        K: k,
        ...plan.again.constants,
        ...(short && { THREADS, ...team, SLABS: Math.min(slabs, 2) }),
      },
      params: {
        ...addressing,
        step_rows: source.rows.shape[1],
        query_heads: source.heads,
        bests_stride: plan.groups,
        group_tokens: plan.groupTokens,
        ...(short && { asking: plan.queries }),
        resume: Number(index > 0),
      },
      bindings: [
        ...[source.rows.buffer, buffer, source.table.buffer, source.parts.buffer],
        ...[bests.buffer, scores.buffer, tokens.buffer],
      ].map((buffer) => ({ buffer })),
      groups: short ? Math.ceil(plan.queries * team.TEAM / THREADS) : plan.queries,
      work: plan.queries * (plan.groups + k * plan.groupTokens * headSize),
    });
  });
  return { scores, tokens, blocks: 1 };
}
