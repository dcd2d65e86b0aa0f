import { Tensor } from "../tensor/mod.ts";
import type { BestLists } from "./best_lists.ts";
import type { ScoreSource } from "./score_source.ts";
import { headVectors } from "./shape.ts";
import type { AttentionStep } from "./step.ts";
import { readsStored } from "./storage.ts";

/**
 * Threads along the rows and along the tokens of score_groups.wgsl, and what each of them scores: of twenty-nine on an H100 the
 * fastest.
 */
const SIDE_ROWS = 16;
const SIDE = 16;
const ROWS = 8;
const COLUMNS = 8;
/** Workgroups that keep a large GPU busy. */
const MANY_GROUPS = 1024;
/** Most bytes of groups' highest scores: where there are more, groups are longer. */
const MOST_BYTES = 2 ** 28;
/** Bytes that a group's highest score takes to write and to look at, for each query. */
const BYTES_A_GROUP = 10;

/** Channels of a head must be a multiple of this. */
export const GROUP_CHANNELS = 16;

/** How the middle is cut for many queries. */
export interface GroupPlan {
  /** Queries of all KV heads and sequences, and those of one. */
  readonly queries: number;
  readonly pairs: number;
  /** Tokens of a group, a power of two, and how many groups there are. */
  readonly groupTokens: number;
  readonly groups: number;
  /** Tokens that a workgroup takes. */
  readonly blockTokens: number;
}

/** Groups as long as makes their scores and scoring again cost about the same, or of at least `least` tokens. */
export function planGroups(step: AttentionStep, source: ScoreSource, least = COLUMNS): GroupPlan {
  const { device, middleLength, context: { cache, method } } = step;
  const { keyValueHeads, headSize } = cache.shape;
  const pairs = source.rows.shape[1] * source.heads / keyValueHeads;
  const queries = cache.batch * keyValueHeads * pairs;
  const balanced = Math.sqrt(middleLength * BYTES_A_GROUP / (4 * headSize * method.knobs.k));
  const room = 4 * queries * middleLength / Math.min(MOST_BYTES, device.info.bindingBytes);
  const groupTokens = 2 ** Math.max(Math.round(Math.log2(balanced)), Math.ceil(Math.log2(Math.max(least, room))));
  const rangeTokens = SIDE * groupTokens;
  const blocks = Math.max(1, Math.floor(MANY_GROUPS / (cache.batch * keyValueHeads * rowTiles(pairs))));
  return {
    queries,
    pairs,
    groupTokens,
    groups: Math.ceil(middleLength / groupTokens),
    blockTokens: rangeTokens * Math.ceil(middleLength / blocks / rangeTokens),
  };
}

function rowTiles(pairs: number): number {
  return Math.ceil(pairs / (sideRows(pairs) * ROWS));
}

/** Fewer where half of a tile would be empty. */
function sideRows(pairs: number): number {
  return pairs > SIDE_ROWS * ROWS / 2 ? SIDE_ROWS : SIDE_ROWS / 2;
}

/**
 * The k best tokens of each query, for many queries: every token is scored once, of which the highest score of each group of
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
  const { device, middleLength, context: { cache } } = step;
  const { keyValueHeads, headSize } = cache.shape;
  const blocks = Math.ceil(middleLength / plan.blockTokens);
  const bests = Tensor.empty(device, [plan.queries, plan.groups], "f32", "best scores of groups");
  source.pages.forEach(({ buffer, type, addressing }, index) => {
    device.commands.dispatch({
      kernel: "score_groups",
      ...readsStored({ keys: type }),
      constants: {
        D4: headVectors(headSize),
        SIDE_ROWS: sideRows(plan.pairs),
        LOADS_TOKENS: 4 * COLUMNS / sideRows(plan.pairs),
        SLABS: source.pages.length > 1 ? 2 : 1,
      },
      params: {
        ...addressing,
        ...paramsOf(source, plan),
        blocks,
        block_tokens: plan.blockTokens,
        resume: Number(index > 0),
      },
      bindings: [source.rows.buffer, buffer, source.table.buffer, source.parts.buffer, bests.buffer]
        .map((buffer) => ({ buffer })),
      groups: cache.batch * keyValueHeads * rowTiles(plan.pairs) * blocks,
      work: plan.queries * Math.min(middleLength, addressing.slab_pages * addressing.page_tokens) * headSize,
    });
  });
  return bests;
}

function rescoreGroups(step: AttentionStep, source: ScoreSource, plan: GroupPlan, bests: Tensor): BestLists {
  const { device, context: { cache, method: { knobs: { k } } } } = step;
  const { keyValueHeads, headSize } = cache.shape;
  const scores = Tensor.empty(device, [cache.batch, keyValueHeads, plan.pairs, 1, k], "f32", "best scores");
  const tokens = Tensor.empty(device, scores.shape, "u32", "best tokens");
  source.pages.forEach(({ buffer, type, addressing }, index) => {
    device.commands.dispatch({
      kernel: "rescore_groups",
      ...readsStored({ keys: type }),
      constants: { D4: headVectors(headSize), K: k },
      params: { ...addressing, ...paramsOf(source, plan), resume: Number(index > 0) },
      bindings: [
        ...[source.rows.buffer, buffer, source.table.buffer, source.parts.buffer],
        ...[bests.buffer, scores.buffer, tokens.buffer],
      ].map((buffer) => ({ buffer })),
      groups: plan.queries,
      work: plan.queries * (plan.groups + k * plan.groupTokens * headSize),
    });
  });
  return { scores, tokens, blocks: 1, together: true };
}

function paramsOf(source: ScoreSource, { groups, groupTokens }: GroupPlan) {
  return { step_rows: source.rows.shape[1], query_heads: source.heads, groups, group_tokens: groupTokens };
}
