import { Tensor } from "../../tensor/mod.ts";
import type { LayerPicks } from "../memory/held_selection.ts";
import { isOwnScoring } from "./own_scorer.ts";
import { scoreByOwn } from "./score_by_own.ts";
import { ScoreSource } from "./score_source.ts";
import type { BestLists } from "./best_lists.ts";
import { scoreTopK } from "./score_top_k.ts";
import type { AttentionStep, Selection, TopTokens } from "../step.ts";

/** Entries of lists that a workgroup casts votes for. */
const CASTING_THREADS = 256;

interface Votes {
  readonly votes: Tensor;
  readonly candidates: Tensor;
  readonly counts: Tensor;
  readonly top: TopTokens;
}

/** Selects tokens of the middle for one layer (ALGORITHM section 5): scores, the k best of each query, votes, clip, spans. */
export function selectTokens(step: AttentionStep, layer: number, queries: Tensor): Selection {
  const { knobs } = step.context.method;
  const selections = knobs.share === "layer" ? 1 : step.context.cache.shape.keyValueHeads;
  using source = new ScoreSource(step, layer, queries);
  const lists = isOwnScoring(knobs.scoring) ? scoreByOwn(step, layer, queries) : scoreTopK(step, source);
  const { top, ...cast } = castVotes(step, source, lists, selections);
  for (const tensor of [lists.scores, lists.tokens]) tensor[Symbol.dispose]();
  const picks = clipVotes(step, cast, selections);
  cast.candidates[Symbol.dispose]();
  return { ...picks, top };
}

/** Merges the blocks' lists, where there are several, and counts how many queries chose each token. */
function castVotes(
  step: AttentionStep,
  { heads, rows }: ScoreSource,
  lists: BestLists,
  selections: number,
): Votes {
  const { cache, method: { knobs } } = step.context;
  const { keyValueHeads } = cache.shape;
  const pairs = rows.shape[1] * heads / keyValueHeads;
  const queries = cache.batch * keyValueHeads * pairs;
  const voters = rows.shape[1] * heads / selections;
  const room = Math.min(step.middleLength, voters * knobs.k);
  const votes = step.zeros("votes", [cache.batch, selections, step.middleLength]);
  const candidates = Tensor.empty(
    step.device,
    [cache.batch, selections, room],
    "u32",
    "candidates",
  );
  const counts = step.zeros("candidate counts", [cache.batch, selections]);
  const shape = [cache.batch, keyValueHeads, pairs, knobs.k];
  const params = { votes_stride: step.middleLength, candidates_stride: room };
  if (lists.blocks === 1) {
    const WORKGROUP = step.device.choices.threads(CASTING_THREADS);
    const entries = voters * knobs.k;
    step.device.commands.dispatch({
      kernel: "cast_votes",
      overrides: { WORKGROUP },
      params: { ...params, entries },
      bindings: [lists.tokens, votes, candidates, counts].map(({ buffer }) => ({ buffer })),
      groups: cache.batch * selections * Math.ceil(entries / WORKGROUP),
      work: 8 * lists.tokens.size,
    });
    return {
      votes,
      candidates,
      counts,
      top: { scores: lists.scores.reshape(shape), tokens: lists.tokens.reshape(shape) },
    };
  }
  const scores = Tensor.empty(step.device, shape, "f32", "top scores");
  const tokens = Tensor.empty(step.device, shape, "u32", "top tokens");
  step.device.commands.dispatch({
    kernel: "merge_top_k",
    constants: { K: knobs.k },
    params: { ...params, queries, pairs, heads: keyValueHeads, selections, blocks: lists.blocks },
    bindings: [lists.scores, lists.tokens, votes, candidates, counts, scores, tokens].map(({ buffer }) => ({ buffer })),
    groups: Math.ceil(queries / 64),
    work: 8 * lists.scores.size,
  });
  return { votes, candidates, counts, top: { scores, tokens } };
}

/** Keeps the candidates with most votes and marks their spans. */
function clipVotes(
  step: AttentionStep,
  cast: Omit<Votes, "top">,
  selections: number,
): LayerPicks {
  const { cache, method: { knobs } } = step.context;
  const candidates = cast.candidates.shape[2];
  const room = knobs.recallClip < 0 ? candidates : Math.min(candidates, knobs.recallClip);
  const words = Math.ceil(step.middleLength / 32);
  const centers = Tensor.empty(
    step.device,
    [cache.batch, selections, Math.max(1, room), 2],
    "u32",
    "centers",
  );
  const centerCounts = Tensor.empty(
    step.device,
    [cache.batch, selections],
    "u32",
    "center counts",
  );
  const marks = Tensor.empty(
    step.device,
    [cache.batch, selections, words],
    "u32",
    "marks",
  );
  step.device.commands.dispatch({
    kernel: "clip_votes",
    overrides: { WORKGROUP: step.device.choices.threads(step.device.info.software ? 64 : 512) },
    params: {
      selections_per_sequence: selections,
      votes_stride: step.middleLength,
      candidates_stride: candidates,
      centers_stride: Math.max(1, room),
      marks_stride: words,
      clip: knobs.recallClip < 0 ? 0xffffffff : knobs.recallClip,
      span: knobs.spanSize,
      // Where there may be as many candidates as tokens, votes are read as they lie, not through a list.
      dense: Number(candidates === step.middleLength),
    },
    bindings: [
      cast.votes,
      cast.candidates,
      cast.counts,
      step.selecting,
      centers,
      centerCounts,
      marks,
    ].map(({ buffer }) => ({
      buffer,
    })),
    groups: cache.batch * selections,
    work: candidates * 64,
  });
  return { centers, centerCounts, marks };
}
