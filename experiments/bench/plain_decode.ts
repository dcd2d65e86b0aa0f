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
  const best: { token: number; score: number }[] = [];
  for (let token = 0; token < middle; token++) {
    const key = stored.key(start + token);
    let score = 0;
    for (let c = 0; c < stored.size; c++) score += query[c] * key[c];
    if (best.length === k && score <= best[k - 1].score) continue;
    best.push({ token, score });
    best.sort((a, b) => b.score - a.score || a.token - b.token);
    best.length = Math.min(best.length, k);
  }
  return best.map(({ token }) => token);
}

/** Attention of one query, itself the last token listed, over listed tokens with contiguous positions, in float64. */
export function plainAttention(
  query: Float32Array,
  stored: StoredHead,
  listed: ArrayLike<number>,
  frequencies: Float32Array,
): Float64Array {
  const { size } = stored;
  const last = listed.length - 1;
  const turned = rotated(query, last, frequencies);
  const scores = Float64Array.from({ length: listed.length }, (_, place) => {
    const key = rotated(stored.key(listed[place]), place, frequencies);
    let score = 0;
    for (let c = 0; c < size; c++) score += turned[c] * key[c];
    return score / Math.sqrt(size);
  });
  const most = scores.reduce((a, b) => Math.max(a, b));
  const output = new Float64Array(size);
  let total = 0;
  scores.forEach((score, place) => {
    const weight = Math.exp(score - most);
    total += weight;
    for (let c = 0; c < size; c++) output[c] += weight * stored.value(listed[place], c);
  });
  return output.map((sum) => sum / total);
}

/** A vector turned by its position: channels c and c + half are a pair. */
function rotated(vector: Float32Array, position: number, frequencies: Float32Array): Float64Array {
  const half = vector.length / 2;
  const turned = new Float64Array(vector.length);
  for (let c = 0; c < half; c++) {
    const [cos, sin] = [Math.cos(position * frequencies[c]), Math.sin(position * frequencies[c])];
    turned[c] = vector[c] * cos - vector[c + half] * sin;
    turned[c + half] = vector[c + half] * cos + vector[c] * sin;
  }
  return turned;
}
