import type { AttentionProbe } from "./attention_probe.ts";
import { type HeadAttention, headAttention } from "./head_attention.ts";
import { type HeadVotes, readVotes } from "./head_votes.ts";
import type { KeyValueCache } from "../cache/kv_cache.ts";
import type { InsideOptions, LayerReading } from "./layer_reading.ts";
import { type HostVectors, readScores, rotated } from "./probed_scores.ts";
import type { ScoredQuery } from "./query_scores.ts";
import type { TraceLayer, TraceStep } from "./trace_step.ts";

/** Scores of one head's queries along the whole context: plain dot products of query and key, not scaled. */
export interface ScoresAlong {
  /** Places in the whole context of the tokens that asked, rising. */
  readonly queries: Uint32Array<ArrayBuffer>;
  /** Tokens that scores go up to; what a query can't see has NaN. */
  readonly length: number;
  /** Without positions, as selection scores: row-major [queries, length]. */
  readonly agnostic: Float32Array<ArrayBuffer>;
  /** Query and key rotated by their own positions: [queries, length]. */
  readonly rotated: Float32Array<ArrayBuffer>;
}

/** One query head of one layer. */
export interface InsideHead {
  /** The layer's number. */
  readonly layer: number;
  /** The query head's number. */
  readonly head: number;
  /** What it attended to. */
  readonly after: HeadAttention;
  /** Attention over all tokens that are cached, at their own positions, as it would be without selection; where asked for. */
  readonly before?: HeadAttention;
  /** Scores along the context, where asked for. */
  readonly scores?: ScoresAlong;
}

/** One layer of a step. */
export interface InsideLayer {
  /** The layer's number. */
  readonly layer: number;
  /** Its heads. */
  readonly heads: readonly InsideHead[];
  /** What heads voted for; empty where nothing was selected anew. */
  readonly votes: readonly HeadVotes[];
  /** What it attended to. */
  readonly selected?: TraceLayer;
}

/** The inside of one step. */
export interface InsideStep extends Omit<TraceStep, "layers" | "step"> {
  /** Places in the whole context of the tokens that were looked at. */
  readonly queries: Uint32Array<ArrayBuffer>;
  /** The layers that were looked at, rising. */
  readonly layers: readonly InsideLayer[];
}

/**
 * Computes what a probe's last step attended to, from what it kept and the cache, which must still be as the step left it.
 * Sums are f32, as in attention; softmax and entropy are f64.
 *
 * @throws {Error} where a layer attended in a way that is not attention over listed tokens.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import * as attention from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using cache = new attention.KeyValueCache(device, { layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 2 });
 * cache.extend(1);
 * using rotation = new attention.RotationTable(device, new Float32Array([1]));
 * using scope = Tensor.zeros(device, [1], "u32");
 * using probe = new attention.AttentionProbe(device, [0], [0]);
 * const by = { trace: probe, watch: probe };
 * const context = { method: new attention.StreamingAttention(attention.presets.demo), cache, rotation, scope, ...by };
 * using step = new attention.AttentionStep(context, 1, { phase: "decode", first: false });
 * using x = Tensor.from(device, new Float32Array([1, 2]), [1, 1, 1, 2]);
 * cache.store(0, x, x, step.layout);
 * using _y = attention.attendOuter(step, 0, x);
 * const { layers: [{ heads: [{ after }] }] } = await attention.readInside(cache, probe);
 * assertEquals([...after.positions], [0]); // one token sees itself alone
 * ```
 */
export async function readInside(
  cache: KeyValueCache,
  probe: AttentionProbe,
  options: InsideOptions = {},
): Promise<InsideStep> {
  const { rows } = probe;
  const trace = await probe.readTrace();
  if (!trace || probe.probed.length < trace.layers.length) {
    throw new Error("inspect: this method does not attend over listed tokens, so its weights can't be computed again");
  }
  const { layers: selected, step: _, ...about } = trace;
  const queries = Uint32Array.from(rows, (row) => trace.start + row);
  const layers: InsideLayer[] = [];
  for (const probed of probe.probed.toSorted((a, b) => a.layer - b.layer)) {
    const own = selected.find(({ layer }) => layer === probed.layer);
    layers.push(await readLayer({ cache, probed, trace, selected: own, rows, queries, options }));
  }
  return { ...about, queries, layers };
}

/** One query head that is looked at, row after row of its vectors among those of all heads. */
interface HeadRows {
  readonly head: number;
  readonly keyHead: number;
  readonly group: number;
}

async function readLayer(reading: LayerReading): Promise<InsideLayer> {
  const { cache, probed: { layer, queries: kept }, selected, options } = reading;
  const { queryHeads, keyValueHeads, headSize } = cache.shape;
  const share = queryHeads / keyValueHeads;
  const lists = await readLists(reading);
  const heads = (options.heads ?? Array.from({ length: queryHeads }, (_, head) => head)).map((head): HeadRows => {
    const keyHead = Math.floor(head / share);
    return { head, keyHead, group: lists.length > 1 ? keyHead : 0 };
  });
  const all = { data: await kept.read() as Float32Array<ArrayBuffer>, size: headSize };
  const vectors = vectorsOf(all, reading.rows.length, queryHeads, heads);
  const after = await attentionAfter(reading, heads, vectors, lists);
  const before = options.before ?? true ? await attentionBefore(reading, heads, vectors) : undefined;
  const along = options.scores ? await scoresAlong(reading, heads, vectors) : undefined;
  return {
    layer,
    heads: heads.map(({ head }, index) => ({
      layer,
      head,
      after: after[index],
      ...(before && { before: before[index] }),
      ...(along && { scores: along[index] }),
    })),
    votes: await readVotes(reading),
    ...(selected && { selected }),
  };
}

/** Vectors of the wanted heads, head by head, row by row. */
function vectorsOf({ data, size }: HostVectors, rows: number, all: number, heads: readonly HeadRows[]): HostVectors {
  const wanted = new Float32Array(heads.length * rows * size);
  heads.forEach(({ head }, index) => {
    for (let row = 0; row < rows; row++) {
      const first = (row * all + head) * size;
      wanted.set(data.subarray(first, first + size), (index * rows + row) * size);
    }
  });
  return { data: wanted, size };
}

/** Attended tokens of each group of heads. */
async function readLists({ cache, probed: { attended } }: LayerReading): Promise<Uint32Array<ArrayBuffer>[]> {
  const ranges = [attended.indices, attended.counts].map(({ buffer, bytes }) => ({ buffer, offset: 0, bytes }));
  const [indices, counts] = (await cache.device.readBack.read(ranges)).map((data) => new Uint32Array(data));
  return Array.from({ length: attended.selections }, (_, group) => {
    const first = group * attended.bound;
    return indices.slice(first, first + counts[group]);
  });
}

/** Tokens of a rising list that a query at `token` sees: the causal ones, and of these the last `slide`. */
function visible(tokens: Uint32Array, token: number, slide: number | undefined): { first: number; count: number } {
  let end = tokens.length;
  while (end > 0 && tokens[end - 1] > token) end--;
  const first = slide ? Math.max(0, end - slide) : 0;
  return { first, count: end - first };
}

async function attentionAfter(
  { cache, probed: { layer, knobs, table, attended }, trace, selected, rows, queries, options }: LayerReading,
  heads: readonly HeadRows[],
  vectors: HostVectors,
  lists: readonly Uint32Array<ArrayBuffer>[],
): Promise<HeadAttention[]> {
  const original = knobs.positions === "original";
  // Compact queries take the last places of what they attend to (ALGORITHM section 6).
  const positionIds = heads.map(({ group }) => {
    return original ? queries : Uint32Array.from(rows, (row) => lists[group].length - trace.rows + row);
  });
  const turned = await rotated(vectors, positionIds.flatMap((ids) => [...ids]), table);
  const scored = heads.flatMap(({ keyHead, group }, index) =>
    rows.map((_, row): ScoredQuery => {
      return { row: index * rows.length + row, keyHead, list: group, count: lists[group].length };
    })
  );
  const longest = original ? trace.length : attended.bound;
  const scores = await readScores(cache, layer, turned, scored, {
    lists: attended.indices,
    rotation: { table: table.upTo(longest), by: original ? "token" : "place" },
  });
  return heads.map(({ head, group }, index) => {
    const tokens = lists[group];
    const places = {
      layer,
      head,
      queries,
      queryPositionIds: positionIds[index],
      positions: tokens,
      positionIds: original ? tokens : Uint32Array.from(tokens.keys()),
      globalCount: selected?.groups[0].globalCount ?? 0,
      windowStart: selected?.groups[0].windowStart ?? trace.length,
      headSize: cache.shape.headSize,
    };
    const parts = Array.from(queries, (token, row) => {
      const { first, count } = visible(tokens, token, cache.shape.slidingWindow);
      return { first, scores: scores[index * rows.length + row].subarray(first, first + count) };
    });
    return headAttention(places, parts, options.bins ?? 4096);
  });
}

/** Queries and tokens up to each of them, side by side from the context's first token on. */
function wholeContext({ rows, queries }: LayerReading, heads: readonly HeadRows[]): ScoredQuery[] {
  return heads.flatMap(({ keyHead, head }, index) =>
    rows.map((_, row) => {
      return { row: index * rows.length + row, keyHead, head, token: queries[row], count: queries[row] + 1 };
    })
  );
}

async function ownPositions(reading: LayerReading, heads: readonly HeadRows[], vectors: HostVectors) {
  const { cache, probed: { layer, table }, trace, queries } = reading;
  const turned = await rotated(vectors, heads.flatMap(() => [...queries]), table);
  return await readScores(cache, layer, turned, wholeContext(reading, heads), {
    rotation: { table: table.upTo(trace.length), by: "token" },
  });
}

async function attentionBefore(
  reading: LayerReading,
  heads: readonly HeadRows[],
  vectors: HostVectors,
): Promise<HeadAttention[]> {
  const { cache, probed: { layer }, trace, rows, queries, options } = reading;
  const scores = await ownPositions(reading, heads, vectors);
  const tokens = Uint32Array.from({ length: trace.length }, (_, token) => token);
  return heads.map(({ head }, index) =>
    headAttention(
      {
        ...{ layer, head, queries, queryPositionIds: queries, positions: tokens, positionIds: tokens },
        ...{ globalCount: 0, windowStart: trace.length, headSize: cache.shape.headSize },
      },
      rows.map((_, row) => {
        const own = scores[index * rows.length + row];
        const first = Math.max(0, own.length - (cache.shape.slidingWindow ?? Infinity));
        return { first, scores: own.subarray(first) };
      }),
      options.bins ?? 4096,
    )
  );
}

async function scoresAlong(
  reading: LayerReading,
  heads: readonly HeadRows[],
  vectors: HostVectors,
): Promise<ScoresAlong[]> {
  const { cache, probed: { layer }, trace, rows, queries } = reading;
  const turned = await ownPositions(reading, heads, vectors);
  const plain = await readScores(cache, layer, vectors, wholeContext(reading, heads));
  const { length } = trace;
  const joined = (lists: readonly Float32Array[], index: number) => {
    const all = new Float32Array(rows.length * length).fill(NaN);
    rows.forEach((_, row) => all.set(lists[index * rows.length + row], row * length));
    return all;
  };
  return heads.map((_, index) => ({ queries, length, agnostic: joined(plain, index), rotated: joined(turned, index) }));
}
