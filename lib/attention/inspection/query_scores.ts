import type { Device, Dispatch } from "../../gpu/mod.ts";
import { Tensor } from "../../tensor/mod.ts";
import type { KeyValueCache } from "../cache/kv_cache.ts";
import { scoresReadValues, type Scoring } from "../knobs/scoring.ts";
import { snippetReadsValues } from "../selection/own_scorer.ts";
import { headVectors } from "../shape.ts";
import { readsStored } from "../cache/storage.ts";

/** One query to score, and the tokens to score it with: listed ones, or `count` of them side by side. */
export interface ScoredQuery {
  /** Its row among the vectors. */
  readonly row: number;
  /** KV head of the tokens' keys. */
  readonly keyHead: number;
  /** Number of tokens. */
  readonly count: number;
  /** First token, where they stand side by side. Default 0. */
  readonly first?: number;
  /** Which list of tokens. Default: none. */
  readonly list?: number;
  /** Sequence of the cache. Default 0. */
  readonly sequence?: number;
  /** The query's place in the context, for a scorer of one's own. Default 0. */
  readonly token?: number;
  /** Its query head, likewise. Default 0. */
  readonly head?: number;
}

/** How queries are scored with cached tokens. */
export interface QueryScoresInput {
  /** Vectors that queries are rows of, f32 [.., head size]; rotated by the caller where scores are. */
  readonly vectors: Tensor;
  /** What to score. */
  readonly queries: readonly ScoredQuery[];
  /** Lists of tokens, u32 [.., bound]; needed where a query names one. */
  readonly lists?: Tensor;
  /** What vectors are multiplied with: keys (weighted by their values' norms in the "qkv" types), or values ("v"). Default "qk". */
  readonly scoring?: Scoring;
  /** Angles by which keys are rotated: at their own positions, or at their places in the list. Default: no rotation. */
  readonly rotation?: { readonly table: Tensor; readonly by: "token" | "place" };
}

/** Most scores made at a time: 64 MiB of them. */
const MOST_SCORES = 2 ** 24;

/** Queries that are scored together with so many tokens: memory stays bounded, and one binding holds their scores. */
export function scoredTogether({ info }: Device, tokens: number): number {
  return Math.max(1, Math.floor(Math.min(MOST_SCORES, info.bindingBytes / 4) / Math.max(1, tokens)));
}

/** Marks a query without a list, as the kernel does. */
const NONE = 0xffffffff;

/**
 * Dot products of chosen queries with cached tokens, all of them, unscaled.
 *
 * @returns f32 [queries, most tokens of any]; what lies past a query's own tokens is undefined
 */
export function queryScores(cache: KeyValueCache, layer: number, input: QueryScoresInput): Tensor {
  const { vectors, lists, scoring = "qk", rotation } = input;
  return scored(cache, layer, input, (about, params) => ({
    kernel: "query_scores",
    readsValues: scoresReadValues(scoring),
    params: {
      ...params,
      indices_stride: lists ? lists.shape[lists.shape.length - 1] : 0,
      take_values: Number(scoring === "v"),
      norm: scoring.startsWith("qkv2") ? 2 : Number(scoring.startsWith("qkv")),
      rotate: rotation ? 1 + Number(rotation.by === "place") : 0,
    },
    // Without lists or angles none is read; the table of queries stands in for the binding.
    bindings: { vectors, rest: [about, lists ?? about, rotation?.table ?? about] },
  }));
}

/**
 * Scores of chosen queries with cached tokens by a scorer's WGSL text (see `defineScorer`).
 *
 * @returns f32 [queries, most tokens of any]
 */
export function snippetScores(
  cache: KeyValueCache,
  layer: number,
  input: Pick<QueryScoresInput, "vectors" | "queries">,
  snippet: string,
): Tensor {
  return scored(cache, layer, input, (about, params) => ({
    kernel: "own_scores",
    readsValues: snippetReadsValues(snippet),
    snippet,
    params: { ...params, layer },
    bindings: { vectors: input.vectors, rest: [about] },
  }));
}

type ScoreCall = Pick<Dispatch, "kernel" | "snippet" | "params"> & {
  readonly readsValues: boolean;
  readonly bindings: { readonly vectors: Tensor; readonly rest: readonly Tensor[] };
};

function scored(
  cache: KeyValueCache,
  layer: number,
  { queries }: Pick<QueryScoresInput, "queries">,
  call: (about: Tensor, params: Readonly<Record<string, number>>) => ScoreCall,
): Tensor {
  const { device, pool: { host, keyType, valueType }, shape: { headSize } } = cache;
  const stride = Math.max(1, ...queries.map(({ count }) => count));
  using about = Tensor.from(device, aboutOf(queries), [queries.length, 8], "queries to score");
  const scores = Tensor.empty(device, [queries.length, stride], "f32", "scores of queries");
  for (const slab of cache.slabs()) {
    const { batch: _, ...addressing } = cache.addressing(slab);
    const { bindings: { vectors, rest }, readsValues, ...variant } = call(about, {
      ...addressing,
      queries: queries.length,
      head_size: headSize,
      stride,
    });
    // Where values lie elsewhere and none is read, the keys stand in for the binding.
    const keysOnly = host !== undefined && !readsValues;
    device.commands.dispatch({
      ...variant,
      ...readsStored({ keys: keyType, values: keysOnly ? keyType : valueType }),
      constants: { D4: headVectors(headSize) },
      bindings: [
        vectors.buffer,
        slab.keys[layer],
        (keysOnly ? slab.keys : slab.values)[layer],
        cache.table.buffer,
        ...rest.map(({ buffer }) => buffer),
        scores.buffer,
      ].map((buffer) => ({ buffer })),
      groups: Math.ceil(queries.length * stride / 64),
      work: queries.length * stride * headSize,
    });
  }
  return scores;
}

function aboutOf(queries: readonly ScoredQuery[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(
    queries.flatMap(({ row, keyHead, count, first = 0, list = NONE, sequence = 0, token = 0, head = 0 }) => [
      ...[row, keyHead, list, first],
      ...[count, sequence, token, head],
    ]),
  );
}
