import { attendRow } from "../../lib/reference/causal_attention.ts";
import { dense, topK } from "../../lib/reference/mod.ts";
import { rotateRows } from "../../lib/reference/rotate_rows.ts";
import { inputValue } from "./inputs.ts";

/** Keys and values of one head as a cache holds them in f16, by token. */
export interface StoredHead {
  /** Channels. */
  readonly size: number;
  /** A token's key, before rotation; valid until the next call. */
  key(token: number): Float32Array;
  /** A channel of a token's value. */
  value(token: number, channel: number): number;
}

/** Inputs 1 (keys) and 2 (values) in blocks that come again, keys by another factor each time. */
export function storedHead(
  { head, heads, size, block, factorOf }: {
    head: number;
    heads: number;
    size: number;
    block: number;
    factorOf: (block: number) => number;
  },
): StoredHead {
  const place = (token: number, channel: number) => ((token % block) * heads + head) * size + channel;
  const base = Float32Array.from({ length: block * size }, (_, at) => {
    return inputValue(1, place(Math.floor(at / size), at % size));
  });
  const key = new Float32Array(size);
  return {
    size,
    key(token) {
      const factor = factorOf(Math.floor(token / block));
      const first = (token % block) * size;
      for (let c = 0; c < size; c++) key[c] = Math.f16round(Math.fround(base[first + c] * factor));
      return key;
    },
    value: (token, channel) => inputValue(2, place(token, channel)),
  };
}

/** The k tokens of the middle with the highest scores without positions, best first, counted from its start. */
export function bestTokens(
  query: Float32Array,
  stored: StoredHead,
  start: number,
  middle: number,
  k: number,
): number[] {
  const scores = Float64Array.from({ length: middle }, (_, token) => {
    const key = stored.key(start + token);
    let score = 0;
    for (let c = 0; c < stored.size; c++) score += query[c] * key[c];
    return score;
  });
  return [...topK(dense(scores, [1, middle]), k).indices.data];
}

/** Attention of one query, itself the last token listed, over listed tokens with contiguous positions. */
export function plainAttention(
  query: Float32Array,
  stored: StoredHead,
  listed: ArrayLike<number>,
  frequencies: Float32Array,
): Float64Array {
  const { size } = stored;
  const count = listed.length;
  const keys = new Float32Array(count * size);
  const values = new Float32Array(count * size);
  for (let place = 0; place < count; place++) {
    keys.set(stored.key(listed[place]), place * size);
    for (let c = 0; c < size; c++) values[place * size + c] = stored.value(listed[place], c);
  }
  const positions = Uint32Array.from({ length: count }, (_, place) => place);
  const turned = rotateRows(dense(query, [1, 1, size]), [count - 1], frequencies);
  const rotated = rotateRows(dense(keys, [1, count, size]), positions, frequencies);
  return attendRow(turned.data, rotated.data, values, (place) => place * size, count);
}
