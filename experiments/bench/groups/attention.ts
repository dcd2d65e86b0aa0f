import { attendRow } from "../../../lib/reference/causal_attention.ts";
import { causalAttention } from "../../../lib/tensor/mod.ts";
import { type BenchCase, errorAt, opened } from "../bench_case.ts";
import { inputTensor, inputValue } from "../inputs.ts";

const QUERY_HEADS = 8;
const HEADS = 2;

/** Causal attention of a whole prompt, 8 query heads on 2 KV heads, as a share of the multiply-add rate. */
export function attentionCases(software: boolean): BenchCase[] {
  const lengths = software ? [512, 2048] : [512, 2048, 4096, 16384];
  return [64, 128].flatMap((headSize) => lengths.map((length) => prefill(length, headSize)));
}

function prefill(length: number, headSize: number): BenchCase {
  const rows = [0, 1, length >> 1, length - 1];
  // Every channel of every head of some rows.
  const places = rows.flatMap((row) =>
    Array.from({ length: QUERY_HEADS * headSize }, (_, channel) => row * QUERY_HEADS * headSize + channel)
  );
  return {
    group: "prefill attention",
    shape: `${length}x${QUERY_HEADS}/${HEADS}x${headSize}`,
    dtype: "f32",
    limit: "multiply-add",
    // Each row meets the tokens up to its own, once for scores and once for values.
    amount: 2 * 2 * QUERY_HEADS * headSize * length * (length + 1) / 2,
    tolerance: 1e-3,
    open(device) {
      const queries = inputTensor(device, 0, [1, length, QUERY_HEADS, headSize]);
      const keys = inputTensor(device, 1, [1, length, HEADS, headSize]);
      const values = inputTensor(device, 2, [1, length, HEADS, headSize]);
      const expected = rows.flatMap((row) => attend(row, headSize));
      return opened(
        [queries, keys, values],
        () => causalAttention(queries, keys, values),
        (found) => errorAt(found, places, expected),
      );
    },
  };
}

/** One row of every head by the plain definition. */
function attend(row: number, headSize: number): number[] {
  const tokens = row + 1;
  const vectors = (seed: number, heads: number, head: number, first: number, count: number) =>
    Float32Array.from({ length: count * headSize }, (_, at) => {
      const token = first + Math.floor(at / headSize);
      return inputValue(seed, (token * heads + head) * headSize + at % headSize);
    });
  return Array.from({ length: QUERY_HEADS }, (_, queryHead) => {
    const head = Math.floor(queryHead * HEADS / QUERY_HEADS);
    const query = vectors(0, QUERY_HEADS, queryHead, row, 1);
    const [keys, values] = [1, 2].map((seed) => vectors(seed, HEADS, head, 0, tokens));
    return [...attendRow(query, keys, values, (token) => token * headSize, tokens)];
  }).flat();
}
