import type { Binding } from "../../gpu/mod.ts";
import { Tensor } from "../../tensor/mod.ts";
import { readsStored } from "../cache/storage.ts";
import { headVectors } from "../shape.ts";
import type { AttentionStep } from "../step.ts";
import { bestsOf, type GroupPlan, scoreGroups } from "./score_groups.ts";
import type { ScoreSource } from "./score_source.ts";

/** Threads of a query, and of those that list: on an H100 the fastest of 128, 256 and 512. */
const PICK_THREADS = 256;
const VOTE_THREADS = 512;
/** Tokens that a thread scores at a time. */
const MOST_AHEAD = 4;

/** What both kernels that list are told. */
export interface Picks {
  /** Queries that vote together. */
  readonly voters: number;
  readonly params: Readonly<Record<string, number>>;
  readonly outputs: readonly Binding[];
}

/**
 * Scores groups of tokens; finds each query's best tokens in the best groups, with a workgroup for each query; then lists what the step
 * attends to. For few queries, and keys in one buffer.
 */
export function pickBest(step: AttentionStep, source: ScoreSource, plan: GroupPlan, picks: Picks): void {
  const { device, context: { cache: { shape, batch }, method: { knobs: { k } } } } = step;
  const { voters, params, outputs } = picks;
  using bests = scoreGroups(step, source, plan);
  using tokens = Tensor.empty(device, [plan.queries, k], "u32", "best tokens");
  const [{ buffer, type, addressing }] = source.pages;
  const { types, parts } = readsStored({ keys: type });
  const { LANES, PER, SCALED } = plan.constants;
  const THREADS = device.choices.threads(PICK_THREADS);
  // Twice as many as are wanted: the K-th best of them is hardly ever far from the K-th best of all.
  const COLUMNS = Math.min(THREADS, 2 ** Math.ceil(Math.log2(2 * k)));
  device.commands.dispatch({
    kernel: "pick_best",
    types,
    parts,
    constants: {
      D4: headVectors(shape.headSize),
      K: k,
      THREADS,
      COLUMNS,
      COLUMN_ROWS: THREADS / COLUMNS,
      LANES,
      PER,
      SCALED,
      AHEAD: Math.min(LANES, MOST_AHEAD),
    },
    params: {
      ...addressing,
      step_rows: source.rows.shape[1],
      query_heads: source.heads,
      bests_stride: bestsOf(plan),
      group_tokens: plan.groupTokens,
    },
    bindings: [source.rows.buffer, buffer, source.table.buffer, source.parts.buffer, bests.buffer, tokens.buffer]
      .map((buffer) => ({ buffer })),
    groups: plan.queries,
    work: plan.queries * (plan.groups + k * plan.groupTokens * shape.headSize),
  });
  device.commands.dispatch({
    kernel: "vote",
    constants: { THREADS: device.choices.threads(VOTE_THREADS), K: k, QUERIES: voters },
    params,
    bindings: [...[tokens.buffer, source.parts.buffer].map((buffer) => ({ buffer })), ...outputs],
    groups: batch * params.selections_per_sequence,
    work: 8 * tokens.size,
  });
}
