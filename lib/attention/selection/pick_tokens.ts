import { Tensor } from "../../tensor/mod.ts";
import { foldGrid } from "../attend/gather.ts";
import { gathers } from "../attend/decode_way.ts";
import { isOwnScoring } from "./own_scorer.ts";
import { canPickBest, pickBest, type Picks } from "./pick_best.ts";
import { planGroups } from "./score_groups.ts";
import { ScoreSource } from "./score_source.ts";
import { scoresTogether, scoreTopK } from "./score_top_k.ts";
import { votingHeads } from "../knobs/scoring.ts";
import type { AttendedTokens, AttentionStep } from "../step.ts";

/** Longest list of best tokens that threads keep in registers. */
const MOST_SHORT = 8;
/** Most votes of those who vote together. */
const MOST_ENTRIES = 512;
/** Entries of all threads' lists that workgroup memory holds. */
const ROOM = 2048;
const MOST_THREADS = 512;

/** Whether one workgroup can do all that follows scoring, and on the step's device should; `rows` queries of each head vote. */
export function picksAtOnce(step: AttentionStep, rows: number): boolean {
  const { cache, method: { knobs } } = step.context;
  if (isOwnScoring(knobs.scoring) || knobs.k > MOST_SHORT) return false;
  const heads = votingHeads(knobs.scoring, cache.shape);
  const queries = votersOf(step, rows * heads);
  return queries * knobs.k <= MOST_ENTRIES && queries <= threadsFor(step) &&
    scoresTogether(step, rows * heads / cache.shape.keyValueHeads);
}

/**
 * Selects tokens of the middle for one layer as `selectTokens` does, and lists what it attends to as `listAttended` does: in two
 * calls, which leave nothing else.
 *
 * @param bound most tokens that a list can hold
 */
export function pickTokens(step: AttentionStep, layer: number, queries: Tensor, bound: number): AttendedTokens {
  const { cache, method: { knobs } } = step.context;
  using source = new ScoreSource(step, layer, queries);
  const selections = selectionsOf(step);
  const voters = votersOf(step, source.rows.shape[1] * source.heads);
  const indices = Tensor.empty(step.device, [cache.batch, selections, bound], "u32", "attended tokens");
  const counts = Tensor.empty(step.device, [cache.batch, selections], "u32", "attended counts");
  const picks: Picks = {
    voters,
    params: {
      indices_stride: bound,
      clip: knobs.recallClip < 0 ? 0xffffffff : knobs.recallClip,
      span: knobs.spanSize,
    },
    outputs: [indices, counts, step.context.scope].map(({ buffer }) => ({ buffer })),
  };
  const plan = readsOnePiece(step, source) && canPickBest(step) ? planGroups(step, source, true) : undefined;
  if (plan?.kernel === "scan_groups") pickBest(step, source, plan, picks);
  else pickFromLists(step, source, picks);
  const grid = gathers(step) ? foldGrid(step, counts) : undefined;
  return { indices, counts, ...(grid && { grid }), selections, bound };
}

/** Whether one call can score all keys: they lie in one buffer, as the cache has them. */
function readsOnePiece(step: AttentionStep, source: ScoreSource): boolean {
  return source.pages.length === 1 && source.parts === step.selecting;
}

/** From lists of best tokens. */
function pickFromLists(step: AttentionStep, source: ScoreSource, { voters, params, outputs }: Picks): void {
  const { device, context: { cache: { batch }, method: { knobs: { k } } } } = step;
  const lists = scoreTopK(step, source);
  using scores = lists.scores;
  using tokens = lists.tokens;
  const THREADS = threadsFor(step);
  device.commands.dispatch({
    kernel: "pick_tokens",
    // One list needs no more than one thread.
    constants: {
      THREADS,
      K: k,
      QUERIES: voters,
      LANES: lists.blocks === 1 ? 1 : 2 ** Math.floor(Math.log2(THREADS / voters)),
    },
    params: { ...params, selections_per_sequence: selectionsOf(step), blocks: lists.blocks },
    bindings: [...[scores, tokens, step.selecting].map(({ buffer }) => ({ buffer })), ...outputs],
    groups: batch * selectionsOf(step),
    work: 8 * scores.size,
  });
}

function threadsFor({ device, context: { method: { knobs } } }: AttentionStep): number {
  return device.choices.threads(Math.min(MOST_THREADS, ROOM / knobs.k));
}

/** Lists of attended tokens that a sequence has. */
function selectionsOf({ context: { cache, method } }: AttentionStep): number {
  return method.knobs.share === "layer" ? 1 : cache.shape.keyValueHeads;
}

/** Of all queries of a sequence, those that vote together. */
function votersOf(step: AttentionStep, queries: number): number {
  return queries / selectionsOf(step);
}
