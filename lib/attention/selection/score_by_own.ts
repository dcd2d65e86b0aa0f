import { Tensor, topK } from "../../tensor/mod.ts";
import { bestTokens } from "../inspection/best_tokens.ts";
import { type OwnScorer, ownScorer } from "./own_scorer.ts";
import { queryScores, type ScoredQuery, scoredTogether, snippetScores } from "../inspection/query_scores.ts";
import type { BestLists } from "./best_lists.ts";
import type { AttentionStep } from "../step.ts";

/** Marks an unused place of a list, as the kernels do, and the score that goes with it. */
const NONE = 0xffffffff;
const LOWEST = -3.4028234663852886e38;

/** Lists made on the host for layers that are about to attend. */
const prepared = new WeakMap<AttentionStep, BestLists>();

/**
 * Scores the middle with a scorer of one's own on the host, before the layer attends: what `scoreByOwn` then takes.
 * Without effect for other scorers.
 */
export async function prepareOwnScores(step: AttentionStep, layer: number, voters: Tensor): Promise<void> {
  const { knobs } = step.context.method;
  const scorer = ownScorer(knobs.scoring);
  if (!scorer || !("score" in scorer)) return;
  const lists = hostLists(step, voters);
  for (const part of queriesToScore(step, voters)) {
    using scores = queryScores(step.context.cache, layer, { vectors: voters, queries: part.queries });
    const data = await scores.read() as Float32Array;
    const stride = scores.shape[1];
    part.queries.forEach((query, index) => {
      const own = ownScores(
        knobs.scoring,
        scorer,
        layer,
        query,
        data.subarray(index * stride).subarray(0, query.count),
      );
      const best = bestTokens(own, knobs.k);
      lists.tokens.set(best.tokens, (part.place + index) * knobs.k);
      lists.scores.set(best.scores, (part.place + index) * knobs.k);
    });
  }
  prepared.set(step, upload(step, lists));
}

/** The k best tokens of each query by the scorer that the knob `scoring` names. */
export function scoreByOwn(step: AttentionStep, layer: number, voters: Tensor): BestLists {
  const { knobs } = step.context.method;
  const scorer = ownScorer(knobs.scoring)!;
  if ("score" in scorer) {
    const lists = prepared.get(step);
    prepared.delete(step);
    if (lists) return lists;
    throw new Error(`scorer "${knobs.scoring}" runs on the host: await the method's prepare before its attend`);
  }
  const lists = upload(step, hostLists(step, voters));
  for (const { place, queries } of queriesToScore(step, voters)) {
    using scores = snippetScores(step.context.cache, layer, { vectors: voters, queries }, scorer.wgsl);
    copyBest(step, scores, lists, place);
  }
  return lists;
}

/** Runs a scorer in TypeScript on one query's dot products. */
export function ownScores(
  name: string,
  scorer: Extract<OwnScorer, { score: unknown }>,
  layer: number,
  { head = 0, token = 0, first = 0, count }: ScoredQuery,
  scores: Float32Array,
): ArrayLike<number> {
  const own = scorer.score(scores, { layer, head, query: token, first }) ?? scores;
  if (own.length === count) return own;
  throw new RangeError(`scorer "${name}" gave ${own.length} scores for ${count} tokens; it must give one for each`);
}

interface HostLists {
  readonly shape: readonly number[];
  readonly scores: Float32Array<ArrayBuffer>;
  readonly tokens: Uint32Array<ArrayBuffer>;
}

/** Empty lists: what sequences without a middle, and middles shorter than k, leave of them. */
function hostLists(step: AttentionStep, voters: Tensor): HostLists {
  const { cache, method: { knobs: { k } } } = step.context;
  const { keyValueHeads, queryHeads } = cache.shape;
  const pairs = voters.shape[1] * queryHeads / keyValueHeads;
  const size = cache.batch * keyValueHeads * pairs * k;
  return {
    shape: [cache.batch, keyValueHeads, pairs, 1, k],
    scores: new Float32Array(size).fill(LOWEST),
    tokens: new Uint32Array(size).fill(NONE),
  };
}

function upload({ device }: AttentionStep, { shape, scores, tokens }: HostLists): BestLists {
  return {
    scores: Tensor.from(device, scores, shape, "best scores"),
    tokens: Tensor.from(device, tokens, shape, "best tokens"),
    blocks: 1,
  };
}

/** Every voting query of every sequence that selects, in the order of the lists, in parts of bounded size. */
function* queriesToScore(
  step: AttentionStep,
  voters: Tensor,
): Generator<{ readonly place: number; readonly queries: ScoredQuery[] }> {
  const { cache } = step.context;
  const { keyValueHeads, queryHeads } = cache.shape;
  const share = queryHeads / keyValueHeads;
  const rows = voters.shape[1];
  const most = scoredTogether(step.device, step.middleLength);
  for (const [sequence, { mode, leading, windowStart, frozen }] of step.layouts.entries()) {
    if (mode !== "select" || frozen) continue;
    const count = rows * queryHeads;
    for (let first = 0; first < count; first += most) {
      const queries = Array.from({ length: Math.min(most, count - first) }, (_, index): ScoredQuery => {
        const [keyHead, pair] = divide(first + index, rows * share);
        const [row, inGroup] = divide(pair, share);
        const head = keyHead * share + inGroup;
        return {
          row: (sequence * rows + row) * queryHeads + head,
          keyHead,
          count: windowStart - leading,
          first: leading,
          sequence,
          token: step.shapes[sequence].length - rows + row,
          head,
        };
      });
      yield { place: sequence * count + first, queries };
    }
  }
}

function divide(value: number, by: number): [number, number] {
  return [Math.floor(value / by), value % by];
}

/** Copies the best of each row of scores to its lists. */
function copyBest(step: AttentionStep, scores: Tensor, lists: BestLists, place: number): void {
  const { k } = step.context.method.knobs;
  const [queries, middle] = scores.shape;
  const some = Math.min(k, middle);
  const { values, indices } = topK(scores, some);
  const rows = some === k ? 1 : queries;
  const bytes = 4 * some * queries / rows;
  for (let row = 0; row < rows; row++) {
    const to = 4 * k * (place + row);
    step.device.commands.copy(values.buffer, row * bytes, lists.scores.buffer, to, bytes);
    step.device.commands.copy(indices.buffer, row * bytes, lists.tokens.buffer, to, bytes);
  }
  values[Symbol.dispose]();
  indices[Symbol.dispose]();
}
