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
  return Array.from({ length: QUERY_HEADS }, (_, queryHead) => {
    const head = Math.floor(queryHead * HEADS / QUERY_HEADS);
    const keyAt = (token: number) => (token * HEADS + head) * headSize;
    const scores = Array.from({ length: row + 1 }, (_, token) => {
      let score = 0;
      for (let c = 0; c < headSize; c++) {
        score += inputValue(0, (row * QUERY_HEADS + queryHead) * headSize + c) * inputValue(1, keyAt(token) + c);
      }
      return score / Math.sqrt(headSize);
    });
    const most = scores.reduce((a, b) => Math.max(a, b));
    const weights = scores.map((score) => Math.exp(score - most));
    const total = weights.reduce((a, b) => a + b);
    return Array.from(
      { length: headSize },
      (_, c) => weights.reduce((sum, weight, token) => sum + weight * inputValue(2, keyAt(token) + c), 0) / total,
    );
  }).flat();
}
