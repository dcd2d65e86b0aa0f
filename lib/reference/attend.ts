import { attendRow } from "./causal_attention.ts";
import { type Dense, type DenseFloats, elementCount, floatsFor, shapeText } from "./dense.ts";
import { rotateRows } from "./rotate_rows.ts";

/** Tokens attended to, with the positions they take there. */
export interface AttendedTokens {
  /** Indices into the cache, rising; the last ones are the step's own tokens. */
  readonly indices: Uint32Array<ArrayBuffer>;
  /** The position of each in the rotary embedding. */
  readonly positions: Uint32Array<ArrayBuffer>;
}

/** What attention over selected tokens needs; queries, keys and values before rotation. */
export interface AttendInput {
  /** The step's queries, [query heads, S, d]. */
  readonly queries: Dense;
  /** All cached keys, [KV heads, N, d]. */
  readonly keys: Dense;
  /** All cached values, [KV heads, N, d]. */
  readonly values: Dense;
  /** One list for all heads, or one for each KV head. */
  readonly groups: readonly AttendedTokens[];
  /** Rotary frequencies, [pairs]. */
  readonly frequencies: ArrayLike<number>;
}

/**
 * Attention over selected tokens (ALGORITHM section 6): rotates keys to their positions and queries to the last S of them;
 * row i sees those with index <= N - S + i.
 *
 * @param input queries, cache and the tokens to attend to
 * @returns f32 [query heads, S, d]
 * @throws {TypeError} if shapes do not fit.
 * @throws {RangeError} if a list does not end with the step's own tokens.
 *
 * @example
 * ```ts
 * import { attendSelected, dense } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * // Three cached tokens, the first and the last attended to, both keys the same: the mean of their values.
 * const out = attendSelected({
 *   queries: dense([1, 0], [1, 1, 2]),
 *   keys: dense([0, 0, 5, 5, 0, 0], [1, 3, 2]),
 *   values: dense([1, 2, 9, 9, 3, 4], [1, 3, 2]),
 *   groups: [{ indices: new Uint32Array([0, 2]), positions: new Uint32Array([0, 1]) }],
 *   frequencies: [1],
 * });
 * assertEquals([...out.data], [2, 3]);
 * ```
 */
export function attendSelected({ queries, keys, values, groups, frequencies }: AttendInput): DenseFloats {
  checkAttendInput({ queries, keys, values, groups });
  const [queryHeads, rows, size] = queries.shape;
  const [keyHeads, length] = keys.shape;
  const shared = queryHeads / keyHeads;
  const output = floatsFor(queries.shape);
  for (let keyHead = 0; keyHead < keyHeads; keyHead++) {
    const { indices, positions } = groups[groups.length === 1 ? 0 : keyHead];
    const gathered = gather(keys, keyHead, indices);
    const gatheredValues = gather(values, keyHead, indices);
    const rotated = rotateRows(gathered, positions, frequencies);
    const first = keyHead * shared * rows * size;
    const own = queries.data.slice(first, first + shared * rows * size);
    const turned = rotateRows({ data: own, shape: [shared, rows, size] }, positions.slice(-rows), frequencies);
    for (let row = 0; row < shared * rows; row++) {
      // Indices rise, so those that a row may see come first.
      const visible = indices.filter((index) => index <= length - rows + row % rows).length;
      const query = turned.data.subarray(row * size, (row + 1) * size);
      const place = (token: number) => token * size;
      output.data.set(attendRow(query, rotated.data, gatheredValues.data, place, visible), first + row * size);
    }
  }
  return output;
}

/** Rows of one head, as [1, tokens, d]. */
function gather(x: Dense, head: number, indices: Uint32Array): Dense {
  const [, length, size] = x.shape;
  const rows = floatsFor([1, indices.length, size]);
  indices.forEach((index, i) => {
    for (let c = 0; c < size; c++) rows.data[i * size + c] = x.data[(head * length + index) * size + c];
  });
  return rows;
}

/** Checks shapes and lists; throws as `attendSelected` says. */
export function checkAttendInput({ queries, keys, values, groups }: Omit<AttendInput, "frequencies">): void {
  const [queryHeads, rows, size] = queries.shape;
  const [keyHeads, length, keySize] = keys.shape;
  const fits = queries.shape.length === 3 && keys.shape.length === 3 && keys.shape.join() === values.shape.join() &&
    keySize === size && elementCount(keys.shape) > 0 && queryHeads % keyHeads === 0;
  if (!fits || (groups.length !== 1 && groups.length !== keyHeads)) {
    throw new TypeError(
      `attendSelected: queries ${shapeText(queries)}, keys ${shapeText(keys)}, values ${shapeText(values)} and ` +
        `${groups.length} lists must be [query heads, S, d], [KV heads, N, d] twice, and 1 list or one for each KV head`,
    );
  }
  for (const { indices } of groups) {
    const own = indices.slice(-rows);
    if (own.length === rows && own.every((index, row) => index === length - rows + row)) continue;
    throw new RangeError(
      `attendSelected: a list of ${indices.length} tokens must end with the step's own ${rows}, ${length - rows} to ` +
        `${length - 1}`,
    );
  }
}
