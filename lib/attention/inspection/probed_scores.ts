import { Tensor } from "../../tensor/mod.ts";
import type { KeyValueCache } from "../cache/kv_cache.ts";
import { queryScores, type QueryScoresInput, type ScoredQuery, scoredTogether } from "./query_scores.ts";
import type { RotationTable } from "../attend/rotation_table.ts";

/** Vectors of one head size on the host, row after row. */
export interface HostVectors {
  /** Their channels. */
  readonly data: Float32Array<ArrayBuffer>;
  /** Channels of each. */
  readonly size: number;
}

/** Scores of queries with cached tokens on the host, one list for each query, in parts that memory has room for. */
export async function readScores(
  cache: KeyValueCache,
  layer: number,
  vectors: HostVectors,
  queries: readonly ScoredQuery[],
  input: Omit<QueryScoresInput, "vectors" | "queries"> = {},
): Promise<Float32Array[]> {
  return await inParts(cache, vectors, queries, (tensor, part) => {
    return queryScores(cache, layer, { ...input, vectors: tensor, queries: part });
  });
}

/** Scores made by any function of vectors and queries, f32 [queries, tokens], on the host. */
export async function inParts(
  cache: KeyValueCache,
  { data, size }: HostVectors,
  queries: readonly ScoredQuery[],
  score: (vectors: Tensor, queries: readonly ScoredQuery[]) => Tensor,
): Promise<Float32Array[]> {
  const most = scoredTogether(cache.device, Math.max(1, ...queries.map(({ count }) => count)));
  using vectors = Tensor.from(cache.device, data, [data.length / size, size], "probed vectors");
  const all: Float32Array[] = [];
  for (let first = 0; first < queries.length; first += most) {
    const part = queries.slice(first, first + most);
    using scores = score(vectors, part);
    const read = await scores.read() as Float32Array;
    part.forEach(({ count }, index) => {
      const start = index * scores.shape[1];
      all.push(read.subarray(start, start + count));
    });
  }
  return all;
}

/** Vectors rotated by position ids, one for each, by the angles that attention has: half-split pairs, in f32. */
export async function rotated(
  { data, size }: HostVectors,
  positionIds: ArrayLike<number>,
  table: RotationTable,
): Promise<HostVectors> {
  const wanted = [...new Set(Array.from(positionIds))];
  const angles = table.upTo(1 + Math.max(...wanted));
  const bytes = 4 * size;
  const ranges = wanted.map((position) => ({ buffer: angles.buffer, offset: position * bytes, bytes }));
  const read = await angles.device.readBack.read(ranges);
  const turns = new Map(wanted.map((position, index) => [position, new Float32Array(read[index])]));
  const turned = new Float32Array(data.length);
  const pairs = size / 2;
  for (let row = 0; row < data.length / size; row++) {
    const turn = turns.get(positionIds[row])!;
    for (let c = 0; c < pairs; c++) {
      const low = data[row * size + c];
      const high = data[row * size + c + pairs];
      turned[row * size + c] = low * turn[2 * c] - high * turn[2 * c + 1];
      turned[row * size + c + pairs] = high * turn[2 * c] + low * turn[2 * c + 1];
    }
  }
  return { data: turned, size };
}
