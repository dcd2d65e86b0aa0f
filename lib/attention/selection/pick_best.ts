import type { Binding } from "../../gpu/mod.ts";
import { headVectors } from "../shape.ts";
import type { AttentionStep } from "../step.ts";
import { columnsOf, type GroupPlan, scoreGroups } from "./score_groups.ts";
import type { ScoreSource } from "./score_source.ts";

/** Threads of a query: on an H100 the fastest of 128, 256 and 512. */
const MOST_THREADS = 256;
/** Buffers that pick_best.wgsl reads and writes: one more than every adapter has. */
const BUFFERS = 9;
/** Tokens that a thread scores at a time. */
const MOST_AHEAD = 4;

/** Whether the device has as many bindings as it takes. */
export function canPickBest({ device }: AttentionStep): boolean {
  return device.info.storageBuffers >= BUFFERS;
}

/** What both kernels that list are told. */
export interface Picks {
  /** Queries that vote together. */
  readonly voters: number;
  readonly params: Readonly<Record<string, number>>;
  readonly outputs: readonly Binding[];
}

/**
 * Scores groups of tokens, and in a second call finds each query's best tokens in the best groups and lists what the step attends to.
 * For few queries, and keys in one buffer.
 */
export function pickBest(step: AttentionStep, source: ScoreSource, plan: GroupPlan, picks: Picks): void {
  const { device, context: { cache, method: { knobs: { k } } } } = step;
  const { voters, params, outputs } = picks;
  using bests = scoreGroups(step, source, plan);
  const tally = cache.zeros("tally of votes", [plan.queries / voters, 1 + voters * k]);
  const [{ buffer, addressing }] = source.pages;
  const { LANES, SCALED } = plan.constants;
  const THREADS = device.choices.threads(MOST_THREADS);
  device.commands.dispatch({
    kernel: "pick_best",
    ...plan.reads,
    constants: {
      ...plan.again.constants,
      D4: headVectors(cache.shape.headSize),
      K: k,
      QUERIES: voters,
      THREADS,
      ...columnsOf(k, THREADS),
      SCALED,
      AHEAD: Math.min(LANES, MOST_AHEAD),
    },
    params: {
      ...addressing,
      ...params,
      step_rows: source.rows.shape[1],
      query_heads: source.heads,
      bests_stride: plan.groups,
      group_tokens: plan.groupTokens,
    },
    bindings: [
      ...[source.rows, { buffer }, source.table, source.parts, bests, tally].map(({ buffer }) => ({ buffer })),
      ...outputs,
    ],
    groups: plan.queries,
    work: plan.queries * (plan.groups + k * plan.groupTokens * cache.shape.headSize),
  });
}
