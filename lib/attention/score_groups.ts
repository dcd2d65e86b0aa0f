import { Tensor } from "../tensor/mod.ts";
import type { BestLists } from "./best_lists.ts";
import type { ScoreSource } from "./score_source.ts";
import { headVectors } from "./shape.ts";
import type { AttentionStep } from "./step.ts";
import { readsStored } from "./storage.ts";

/** Threads along the rows and along the tokens of score_groups.wgsl, and what each of them scores. */
const SIDE_ROWS = 8;
const SIDE = 8;
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

/**
 * The k best tokens of each query, for many queries: every token is scored once, of which the highest score of each group of
 * neighbours is kept; then the tokens of each query's k best groups are scored again, and the k best of them taken. Exact: a token
 * outside of those groups has k better ones.
 */
export function scoreGroups(step: AttentionStep, source: ScoreSource): BestLists {
  const { device, middleLength, context: { cache, method: { knobs: { k } } } } = step;
  const { keyValueHeads, headSize } = cache.shape;
  const stepRows = source.rows.shape[1];
  const pairs = stepRows * source.heads / keyValueHeads;
  const queries = cache.batch * keyValueHeads * pairs;
  const groupTokens = tokensOfGroup(step, queries);
  const groups = Math.ceil(middleLength / groupTokens);
  const tiles = Math.ceil(pairs / (SIDE_ROWS * ROWS));
  const blockTokens = tokensOfBlock(step, cache.batch * keyValueHeads * tiles, SIDE * groupTokens);
  const blocks = Math.ceil(middleLength / blockTokens);
  using bests = Tensor.empty(device, [queries, groups], "f32", "best scores of groups");
  const scores = Tensor.empty(device, [cache.batch, keyValueHeads, pairs, 1, k], "f32", "best scores");
  const tokens = Tensor.empty(device, scores.shape, "u32", "best tokens");
  const read = [source.table, source.parts, bests].map(({ buffer }) => ({ buffer }));
  const shared = { step_rows: stepRows, query_heads: source.heads, groups, group_tokens: groupTokens };
  const D4 = headVectors(headSize);
  source.pages.forEach(({ buffer, type, addressing }, index) => {
    device.commands.dispatch({
      kernel: "score_groups",
      ...readsStored({ keys: type }),
      constants: {
        D4,
        SIDE_ROWS,
        LOADS_TOKENS: 4 * COLUMNS / SIDE_ROWS,
        SLABS: source.pages.length > 1 ? 2 : 1,
      },
      params: { ...addressing, ...shared, blocks, block_tokens: blockTokens, resume: Number(index > 0) },
      bindings: [{ buffer: source.rows.buffer }, { buffer }, ...read],
      groups: cache.batch * keyValueHeads * tiles * blocks,
      work: queries * Math.min(middleLength, addressing.slab_pages * addressing.page_tokens) * headSize,
    });
  });
  source.pages.forEach(({ buffer, type, addressing }, index) => {
    device.commands.dispatch({
      kernel: "rescore_groups",
      ...readsStored({ keys: type }),
      constants: { D4, K: k },
      params: { ...addressing, ...shared, resume: Number(index > 0) },
      bindings: [{ buffer: source.rows.buffer }, { buffer }, ...read, { buffer: scores.buffer }, {
        buffer: tokens.buffer,
      }],
      groups: queries,
      work: queries * (groups + k * groupTokens * headSize),
    });
  });
  return { scores, tokens, blocks: 1, together: true };
}

/** As many tokens, a power of two, as make groups' scores and scoring again cost about the same. */
function tokensOfGroup({ middleLength, device, context: { cache, method } }: AttentionStep, queries: number): number {
  const balanced = Math.sqrt(middleLength * BYTES_A_GROUP / (4 * cache.shape.headSize * method.knobs.k));
  const room = Math.min(MOST_BYTES, device.info.bindingBytes);
  const least = Math.max(COLUMNS, 4 * queries * middleLength / room);
  return 2 ** Math.max(Math.round(Math.log2(balanced)), Math.ceil(Math.log2(least)));
}

/** Blocks as long as they can be while every multiprocessor has some: a multiple of `unit` tokens. */
function tokensOfBlock({ middleLength }: AttentionStep, others: number, unit: number): number {
  const blocks = Math.max(1, Math.floor(MANY_GROUPS / others));
  return unit * Math.ceil(middleLength / blocks / unit);
}
