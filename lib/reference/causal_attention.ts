import { type Dense, type DenseFloats, floatsFor, sameShape, shapeText } from "./dense.ts";

/**
 * Causal attention with grouped heads: `softmax(q k / sqrt(d)) v`. Row i of S sees keys j <= N - S + i, and query head h
 * uses KV head floor(h / g) with g query heads to each KV head.
 *
 * @param queries [batch, rows S, query heads, d], already rotated
 * @param keys [batch, tokens N, KV heads, d], already rotated; query heads are a multiple of KV heads
 * @param values the keys' shape
 * @param slide each row sees the last so many of its keys only; 0: all of them. Default 0
 * @returns f32 [batch, S, query heads, d]
 * @throws {TypeError} if the shapes do not fit, naming them.
 *
 * @example
 * ```ts
 * import { causalAttention, dense } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const x = dense([1, 2], [1, 1, 1, 2]);
 * assertEquals([...causalAttention(x, x, x).data], [1, 2]); // one token sees itself alone
 * ```
 */
export function causalAttention(queries: Dense, keys: Dense, values: Dense, slide = 0): DenseFloats {
  checkShapes(queries, keys, values);
  const [batch, rows, queryHeads, size] = queries.shape;
  const [, tokens, keyHeads] = keys.shape;
  const output = floatsFor(queries.shape);
  for (let sequence = 0; sequence < batch; sequence++) {
    for (let row = 0; row < rows; row++) {
      for (let head = 0; head < queryHeads; head++) {
        const keyHead = Math.floor(head / (queryHeads / keyHeads));
        const at = ((sequence * rows + row) * queryHeads + head) * size;
        const query = queries.data.slice(at, at + size);
        const end = tokens - rows + row + 1;
        const begin = slide > 0 ? Math.max(0, end - slide) : 0;
        const place = (token: number) => ((sequence * tokens + begin + token) * keyHeads + keyHead) * size;
        output.data.set(attendRow(query, keys.data, values.data, place, end - begin), at);
      }
    }
  }
  return output;
}

/**
 * Attention of one query: softmax over its scaled scores with `count` keys, then the weighted mean of their values.
 * `place(j)` is where the j-th key and value begin. All in f64.
 */
export function attendRow(
  query: ArrayLike<number>,
  keys: ArrayLike<number>,
  values: ArrayLike<number>,
  place: (token: number) => number,
  count: number,
): Float64Array {
  const size = query.length;
  const scores = new Float64Array(count);
  for (let j = 0; j < count; j++) {
    const first = place(j);
    for (let c = 0; c < size; c++) scores[j] += query[c] * keys[first + c];
    scores[j] /= Math.sqrt(size);
  }
  const highest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const output = new Float64Array(size);
  let total = 0;
  for (let j = 0; j < count; j++) {
    const weight = Math.exp(scores[j] - highest);
    const first = place(j);
    total += weight;
    for (let c = 0; c < size; c++) output[c] += weight * values[first + c];
  }
  return output.map((sum) => sum / total);
}

function checkShapes(queries: Dense, keys: Dense, values: Dense): void {
  const [batch, rows, queryHeads, size] = queries.shape;
  const [keyBatch, tokens, keyHeads, keySize] = keys.shape;
  const fits = queries.shape.length === 4 && keys.shape.length === 4 && sameShape(keys.shape, values.shape) &&
    keyBatch === batch && keySize === size && rows <= tokens && keyHeads > 0 && queryHeads % keyHeads === 0;
  if (fits) return;
  throw new TypeError(
    `causalAttention: queries ${shapeText(queries)}, keys ${shapeText(keys)} and values ${shapeText(values)} do not ` +
      "fit: they must agree in batch and head size, keys and values in all, with no more queries than keys and query " +
      "heads a multiple of KV heads",
  );
}
