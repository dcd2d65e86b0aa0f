import { Tensor } from "../tensor/mod.ts";
import type { LayerPicks } from "./held_selection.ts";
import { ScoreSource } from "./score_source.ts";
import { headVectors } from "./shape.ts";
import type { AttentionStep, Selection, TopTokens } from "./step.ts";

/** Longest list of best tokens that a thread keeps in registers. */
const MOST_SHORT = 16;

interface Lists {
  readonly scores: Tensor;
  readonly tokens: Tensor;
  readonly blocks: number;
}

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
  const lists = scoreTopK(step, source);
  const { top, ...cast } = castVotes(step, source, lists, selections);
  for (const tensor of [lists.scores, lists.tokens]) tensor[Symbol.dispose]();
  const picks = clipVotes(step, source, cast, selections);
  for (const tensor of [cast.votes, cast.candidates, cast.counts]) tensor[Symbol.dispose]();
  return { ...picks, top };
}

/** The k best tokens of each query in each block of the middle. */
function scoreTopK(step: AttentionStep, source: ScoreSource): Lists {
  const { cache, method: { knobs } } = step.context;
  const { keyValueHeads, headSize } = cache.shape;
  const pairs = source.rows.shape[1] * source.heads / keyValueHeads;
  const short = knobs.k <= MOST_SHORT;
  // A software adapter takes most of its time to load keys: they serve eight pairs as well as two. Long heads would take it
  // too long to compile.
  const together = short && step.device.info.software && pairs >= 64 && headSize <= 64 ? 8 : 2;
  const tiles = Math.ceil(pairs / together);
  const blockTokens = blockLength(step.middleLength, tiles, knobs.k);
  const blocks = Math.ceil(step.middleLength / blockTokens);
  const shape = [cache.batch, keyValueHeads, pairs, blocks, knobs.k];
  const scores = Tensor.empty(step.device, shape, "f32", "best scores");
  const tokens = Tensor.empty(step.device, shape, "u32", "best tokens");
  const workgroup = 8;
  source.pages.forEach(({ buffer, type, addressing }, index) => {
    step.device.commands.dispatch({
      kernel: short ? "score_short_top_k" : "score_top_k",
      types: { Element: type },
      constants: { D4: headVectors(headSize), K: knobs.k, ...(short && { PAIRS: together }) },
      params: {
        ...addressing,
        step_rows: source.rows.shape[1],
        query_heads: source.heads,
        head_size: headSize,
        blocks,
        block_tokens: blockTokens,
        resume: Number(index > 0),
      },
      bindings: [
        { buffer: source.rows.buffer },
        { buffer },
        ...[source.table, source.parts, scores, tokens].map(({ buffer }) => ({ buffer })),
      ],
      groups: cache.batch * keyValueHeads *
        Math.ceil(tiles * blocks / workgroup),
      work: cache.batch * source.heads * source.rows.shape[1] *
        Math.min(step.middleLength, addressing.slab_pages * addressing.page_tokens) *
        headSize,
    });
  });
  return { scores, tokens, blocks };
}

/**
 * Tokens that one thread scores. Long blocks keep the lists short; when few queries run, shorter ones give every core
 * something to do. A block much shorter than k would only be copied.
 */
function blockLength(middle: number, tiles: number, k: number): number {
  const fewQueries = tiles < 8;
  const wanted = fewQueries ? Math.ceil(middle / 256) : 1024;
  return Math.max(64, 4 * k, Math.min(wanted, middle));
}

/** Merges the blocks' lists and counts how many queries chose each token. */
function castVotes(
  step: AttentionStep,
  { heads, rows }: ScoreSource,
  lists: Lists,
  selections: number,
): Votes {
  const { cache, method: { knobs } } = step.context;
  const { keyValueHeads } = cache.shape;
  const pairs = rows.shape[1] * heads / keyValueHeads;
  const queries = cache.batch * keyValueHeads * pairs;
  const voters = rows.shape[1] * heads / selections;
  const room = Math.min(step.middleLength, voters * knobs.k);
  const votes = Tensor.zeros(
    step.device,
    [cache.batch, selections, step.middleLength],
    "u32",
    "votes",
  );
  const candidates = Tensor.empty(
    step.device,
    [cache.batch, selections, room],
    "u32",
    "candidates",
  );
  const counts = Tensor.zeros(
    step.device,
    [cache.batch, selections],
    "u32",
    "candidate counts",
  );
  const scores = Tensor.empty(step.device, [cache.batch, keyValueHeads, pairs, knobs.k], "f32", "top scores");
  const tokens = Tensor.empty(step.device, scores.shape, "u32", "top tokens");
  step.device.commands.dispatch({
    kernel: "merge_top_k",
    constants: { K: knobs.k },
    params: {
      queries,
      pairs,
      heads: keyValueHeads,
      selections,
      blocks: lists.blocks,
      votes_stride: step.middleLength,
      candidates_stride: room,
    },
    bindings: [lists.scores, lists.tokens, votes, candidates, counts, scores, tokens].map((
      { buffer },
    ) => ({ buffer })),
    groups: Math.ceil(queries / 64),
    work: 8 * lists.scores.size,
  });
  return { votes, candidates, counts, top: { scores, tokens } };
}

/** Keeps the candidates with most votes and marks their spans. */
function clipVotes(
  step: AttentionStep,
  { heads, rows }: ScoreSource,
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
  const centerCounts = Tensor.zeros(
    step.device,
    [cache.batch, selections],
    "u32",
    "center counts",
  );
  const marks = Tensor.zeros(
    step.device,
    [cache.batch, selections, words],
    "u32",
    "marks",
  );
  const mostVotes = rows.shape[1] * heads / selections;
  step.device.commands.dispatch({
    kernel: "clip_votes",
    params: {
      selections_per_sequence: selections,
      votes_stride: step.middleLength,
      candidates_stride: candidates,
      centers_stride: Math.max(1, room),
      marks_stride: words,
      clip: knobs.recallClip < 0 ? 0xffffffff : knobs.recallClip,
      span: knobs.spanSize,
      most_votes: mostVotes,
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
