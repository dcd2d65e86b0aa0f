import type { Binding } from "../../gpu/mod.ts";
import { readsStored } from "../cache/storage.ts";
import { headVectors } from "../shape.ts";
import type { AttentionStep } from "../step.ts";
import { type GroupPlan, scoreGroups, teamOf } from "./score_groups.ts";
import type { ScoreSource } from "./score_source.ts";

const MOST_THREADS = 512;
/** Threads that a query should have at least. */
const LEAST_TEAM = 8;
/**
 * Most queries that one workgroup does well: on an H100 eight took 46 us of keys scored and picked where three calls took 60, and 32
 * took some 20 us longer than three calls.
 */
const MOST_VOTERS = 16;

/** Whether there are few enough queries, and threads enough for them. */
export function fitsPicking(step: AttentionStep, voters: number): boolean {
  return voters <= MOST_VOTERS && voters * LEAST_TEAM <= step.device.choices.threads(MOST_THREADS);
}

/** What both kernels that pick are told. */
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
export function pickFromGroups(step: AttentionStep, source: ScoreSource, plan: GroupPlan, picks: Picks): void {
  const { device, context: { cache: { shape, batch }, method: { knobs: { k } } } } = step;
  const { voters, params, outputs } = picks;
  using bests = scoreGroups(step, source, plan);
  const [{ buffer, type, addressing }] = source.pages;
  const { types, parts } = readsStored({ keys: type });
  const room = device.choices.threads(MOST_THREADS);
  const team = teamOf(k, 2 ** Math.floor(Math.log2(room / voters)));
  device.commands.dispatch({
    kernel: "pick_from_groups",
    types,
    parts: [...parts, plan.again.part],
    constants: {
      ...plan.again.constants,
      D4: headVectors(shape.headSize),
      ...team,
      THREADS: team.TEAM * 2 ** Math.ceil(Math.log2(voters)),
      K: k,
      QUERIES: voters,
      SLABS: 1,
    },
    params: {
      ...addressing,
      ...params,
      step_rows: source.rows.shape[1],
      query_heads: source.heads,
      groups: plan.groups,
      group_tokens: plan.groupTokens,
      blocks: plan.blocks,
      block_groups: plan.blockTokens / plan.groupTokens,
    },
    bindings: [
      ...[source.rows.buffer, buffer, source.table.buffer, source.parts.buffer, bests.buffer].map((buffer) => ({
        buffer,
      })),
      ...outputs,
    ],
    groups: batch * params.selections_per_sequence,
    work: plan.queries * (plan.blocks + k * (plan.blockTokens / plan.groupTokens + plan.groupTokens * shape.headSize)),
  });
}
