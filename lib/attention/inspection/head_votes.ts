import { bestTokens, rankOf } from "./best_tokens.ts";
import type { LayerReading } from "./layer_reading.ts";
import { type OwnScorer, ownScorer } from "../selection/own_scorer.ts";
import { inParts, readScores, rotated } from "./probed_scores.ts";
import { type ScoredQuery, snippetScores } from "./query_scores.ts";
import { ownScores } from "../selection/score_by_own.ts";
import { newTokensVote, type Scoring, votingHeads } from "../knobs/scoring.ts";

/** What one head's queries voted for in a selecting step, by their scores of the middle. */
export interface HeadVotes {
  /** The layer's number. */
  readonly layer: number;
  /** The head that votes: a query head, or a KV head with the scores "k" and "v". */
  readonly head: number;
  /** Places in the whole context of the tokens that asked, rising. */
  readonly queries: Uint32Array<ArrayBuffer>;
  /** First token of the middle. */
  readonly middleStart: number;
  /** Tokens of the middle. */
  readonly middleLength: number;
  /** For each query, its best tokens (places in the whole context), best first, and their scores. */
  readonly picks: readonly { readonly tokens: Uint32Array<ArrayBuffer>; readonly scores: Float32Array<ArrayBuffer> }[];
  /** Tokens watched for: those of them that lie in the middle. */
  readonly watched: Uint32Array<ArrayBuffer>;
  /** For each query, how many tokens of the middle rank before each watched one: it is among the k best where that is less than k. */
  readonly ranks: readonly Uint32Array<ArrayBuffer>[];
}

/** Needle recall of one head: how much of what was watched for its k best tokens hold. */
export interface HeadRecall {
  /** The layer's number. */
  readonly layer: number;
  /** The voting head's number. */
  readonly head: number;
  /** Tokens picked by each query. */
  readonly k: number;
  /** Share of the watched tokens among them, 0 to 1, averaged over queries. */
  readonly recall: number;
  /** What picking k tokens at random would reach: k over the middle's length. */
  readonly chance: number;
}

/**
 * Recall of the watched tokens against k, for every head: exact for any k, whatever k the step selected by.
 *
 * @param votes heads with watched tokens in the middle; those without any are left out
 * @param ks numbers of picked tokens
 *
 * @example
 * ```ts
 * import { headRecall } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * const votes = {
 *   layer: 0, head: 1, queries: new Uint32Array([99]), middleStart: 4, middleLength: 50, picks: [],
 *   watched: new Uint32Array([20, 21]), ranks: [new Uint32Array([0, 7])],
 * };
 * assertEquals(headRecall([votes], [1, 8]).map(({ recall }) => recall), [0.5, 1]);
 * ```
 */
export function headRecall(votes: readonly HeadVotes[], ks: readonly number[]): HeadRecall[] {
  return votes.filter(({ watched }) => watched.length > 0).flatMap(({ layer, head, ranks, middleLength, watched }) =>
    ks.map((k) => {
      const held = ranks.reduce((sum, own) => sum + own.filter((rank) => rank < k).length, 0);
      const chance = Math.min(1, k / middleLength);
      return { layer, head, k, recall: held / (ranks.length * watched.length), chance };
    })
  );
}

/** Votes of each head that is looked at; empty where the step did not select anew. */
export async function readVotes(reading: LayerReading): Promise<HeadVotes[]> {
  const { cache, probed: { layer, knobs }, trace, selected, rows, queries, options } = reading;
  if (trace.kind !== "select" || trace.frozen || !selected) return [];
  const { globalCount: middleStart, windowStart } = selected.groups[0];
  const middleLength = windowStart - middleStart;
  // A layer that attends to all of it beside others that select.
  if (middleLength <= 0) return [];
  const heads = wantedHeads(reading);
  const share = votingHeads(knobs.scoring, cache.shape) / cache.shape.keyValueHeads;
  const asked = heads.flatMap((head) =>
    rows.map((_, row): ScoredQuery => ({
      row: row * votingHeads(knobs.scoring, cache.shape) + head,
      keyHead: Math.floor(head / share),
      count: middleLength,
      first: middleStart,
      token: queries[row],
      head,
    }))
  );
  const scores = await middleScores(reading, asked);
  const inside = (options.watch ?? []).filter((token) => token >= middleStart && token < windowStart);
  return heads.map((head, index) => {
    const own = scores.slice(index * rows.length, (index + 1) * rows.length);
    return {
      ...{ layer, head, queries, middleStart, middleLength },
      picks: own.map((row) => {
        const best = bestTokens(row, Math.min(options.top ?? knobs.k, middleLength));
        return { tokens: best.tokens.map((token) => token + middleStart), scores: best.scores };
      }),
      watched: Uint32Array.from(inside),
      ranks: own.map((row) => Uint32Array.from(inside, (token) => rankOf(row, token - middleStart))),
    };
  });
}

/** The heads that vote, of those that are looked at. */
function wantedHeads({ cache: { shape }, probed: { knobs }, options }: LayerReading): number[] {
  const heads = options.heads ?? Array.from({ length: shape.queryHeads }, (_, head) => head);
  if (!newTokensVote(knobs.scoring)) return [...heads];
  return [...new Set(heads.map((head) => Math.floor(head / (shape.queryHeads / shape.keyValueHeads))))];
}

/** Scores of the middle as the knob `scoring` has them. */
async function middleScores(reading: LayerReading, asked: readonly ScoredQuery[]): Promise<ArrayLike<number>[]> {
  const { cache, probed: { layer, knobs, voters }, trace } = reading;
  const vectors = { data: await voters.read() as Float32Array<ArrayBuffer>, size: cache.shape.headSize };
  const own = ownScorer(knobs.scoring);
  if (own) return await scoresByOwn(reading, own, asked, vectors);
  const scoring = knobs.scoring as Scoring;
  if (!scoring.endsWith("_pe")) return await readScores(cache, layer, vectors, asked, { scoring });
  // These rotate by the model's own angles, whatever attention does.
  const table = reading.probed.scoringTable;
  const heads = votingHeads(scoring, cache.shape);
  const positions = Array.from({ length: vectors.data.length / vectors.size }, (_, row) => {
    return reading.queries[Math.floor(row / heads)];
  });
  const turned = await rotated(vectors, positions, table);
  const rotation = { table: table.upTo(trace.length), by: "token" as const };
  return await readScores(cache, layer, turned, asked, { scoring, rotation });
}

async function scoresByOwn(
  { cache, probed: { layer, knobs } }: LayerReading,
  own: OwnScorer,
  asked: readonly ScoredQuery[],
  vectors: { readonly data: Float32Array<ArrayBuffer>; readonly size: number },
): Promise<ArrayLike<number>[]> {
  if ("wgsl" in own) {
    return await inParts(cache, vectors, asked, (tensor, queries) => {
      return snippetScores(cache, layer, { vectors: tensor, queries }, own.wgsl);
    });
  }
  const plain = await readScores(cache, layer, vectors, asked);
  return asked.map((query, index) => ownScores(knobs.scoring, own, layer, query, plain[index]));
}
