/** Sizes of a page of values. */
export interface PageSizes {
  /** KV heads. */
  readonly heads: number;
  /** Tokens of a page. */
  readonly pageTokens: number;
  /** Floats of a vector, padding included. */
  readonly padded: number;
}

/** A page's first tokens, f32 [KV heads, page tokens, padded head size], token after token: [tokens, KV heads, padded head size]. */
export function rowsOfPage(
  page: Float32Array<ArrayBuffer>,
  { heads, pageTokens, padded }: PageSizes,
  tokens: number,
): Float32Array<ArrayBuffer> {
  const rows = new Float32Array(tokens * heads * padded);
  for (let head = 0; head < heads; head++) {
    for (let token = 0; token < tokens; token++) {
      const from = (head * pageTokens + token) * padded;
      rows.set(page.subarray(from, from + padded), (token * heads + head) * padded);
    }
  }
  return rows;
}

/** The other way round; what lies past the tokens is set to zero. */
export function pageOfRows(
  rows: Float32Array,
  { heads, pageTokens, padded }: PageSizes,
  tokens: number,
  page: Float32Array,
): void {
  for (let head = 0; head < heads; head++) {
    const first = head * pageTokens * padded;
    for (let token = 0; token < tokens; token++) {
      const from = (token * heads + head) * padded;
      page.set(rows.subarray(from, from + padded), first + token * padded);
    }
    page.fill(0, first + tokens * padded, first + pageTokens * padded);
  }
}

/** Vectors of one head size side by side, each with zeros up to whole vectors of four; the same ones where none are missing. */
export function paddedRows(
  values: Float32Array<ArrayBuffer>,
  headSize: number,
  padded: number,
): Float32Array<ArrayBuffer> {
  if (headSize === padded) return values;
  const vectors = values.length / headSize;
  const rows = new Float32Array(vectors * padded);
  for (let vector = 0; vector < vectors; vector++) {
    rows.set(values.subarray(vector * headSize, (vector + 1) * headSize), vector * padded);
  }
  return rows;
}
