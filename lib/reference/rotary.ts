import { type Dense, dense, type DenseFloats, floatsFor, shapeText } from "./dense.ts";

/** Cosines and sines of rotary angles. */
export interface ReferenceRotaryTable {
  /** [positions, pairs]. */
  readonly cos: Dense;
  /** [positions, pairs]. */
  readonly sin: Dense;
}

/**
 * Inverse frequencies of the plain rotary embedding: `base ** (-2 i / channels)` for pair i, rounded to f32 at each
 * operation as models were trained with them.
 *
 * @param channels channels of a head that rotate; even
 * @param base the base of the frequencies (rope_theta). Default 10,000
 * @returns f32 [channels / 2], in radians per position
 * @throws {RangeError} if `channels` is odd or not positive, or the base is not a positive number.
 * @see Su et al. 2021, "RoFormer", section 3.4.2
 *
 * @example
 * ```ts
 * import { rotaryFrequencies } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...rotaryFrequencies(4, 16)], [1, 0.25]);
 * ```
 */
export function rotaryFrequencies(channels: number, base = 10000): Float32Array<ArrayBuffer> {
  if (!Number.isInteger(channels) || channels < 2 || channels % 2 !== 0) {
    throw new RangeError(`rotaryFrequencies: channels must be an even positive whole number, not ${channels}`);
  }
  if (!(base > 0 && base < Infinity)) {
    throw new RangeError(`rotaryFrequencies: base must be a positive number, not ${base}`);
  }
  const { fround } = Math;
  return Float32Array.from(
    { length: channels / 2 },
    (_, pair) => 1 / fround(fround(base) ** fround(2 * pair / channels)),
  );
}

/**
 * Cosines and sines for given positions. Angles are f32, as models see them in training.
 *
 * @param frequencies radians per position, [pairs]
 * @param positions one for each row of the table
 * @returns two f32 [positions, pairs] tables
 *
 * @example
 * ```ts
 * import { rotaryTable } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const { cos, sin } = rotaryTable([1, 0.5], [0, 7]);
 * assertEquals([...cos.data.slice(0, 2)], [1, 1]); // position 0 is not turned
 * assertEquals(sin.shape, [2, 2]);
 * ```
 */
export function rotaryTable(
  frequencies: ArrayLike<number>,
  positions: ArrayLike<number>,
): { cos: DenseFloats; sin: DenseFloats } {
  const pairs = frequencies.length;
  const cos = floatsFor([positions.length, pairs]);
  const sin = floatsFor([positions.length, pairs]);
  for (let place = 0; place < cos.data.length; place++) {
    const angle = Math.fround(positions[Math.floor(place / pairs)] * frequencies[place % pairs]);
    cos.data[place] = Math.cos(angle);
    sin.data[place] = Math.sin(angle);
  }
  return { cos, sin };
}

/**
 * Rotary position embedding with given positions: channel c of a head is paired with channel c + pairs (half-split, as in
 * Llama). With fewer than d / 2 pairs in the table the channels from 2 * pairs on pass through unturned.
 *
 * @param x [batch, rows, heads, d]
 * @param positions batch * rows places in the table
 * @param table angles for positions 0, 1, 2, ..
 * @returns f32 of x's shape
 * @throws {TypeError} if the shapes do not fit, naming them.
 * @throws {RangeError} if a position is not a whole number inside the table.
 * @see Su et al. 2021, "RoFormer", equation 34
 *
 * @example
 * ```ts
 * import { dense, rotary } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * // One pair of channels and two positions: no turn, and a quarter turn.
 * const table = { cos: dense([1, 0], [2, 1]), sin: dense([0, 1], [2, 1]) };
 * assertEquals([...rotary(dense([3, 4], [1, 1, 1, 2]), [1], table).data], [-4, 3]);
 * ```
 */
export function rotary(x: Dense, positions: ArrayLike<number>, table: ReferenceRotaryTable): DenseFloats {
  checkShapes(x, positions, table);
  const [batch, rows, heads, size] = x.shape;
  const [tableRows, pairs] = table.cos.shape;
  const output = dense(Float32Array.from(x.data), x.shape);
  for (let row = 0; row < batch * rows; row++) {
    const position = positions[row];
    if (!Number.isInteger(position) || position < 0 || position >= tableRows) {
      throw new RangeError(
        `rotary: position ${position} must be a whole number from 0 to ${tableRows - 1}, the last one of the table`,
      );
    }
    for (let head = 0; head < heads; head++) {
      const first = (row * heads + head) * size;
      for (let pair = 0; pair < pairs; pair++) {
        const cos = table.cos.data[position * pairs + pair];
        const sin = table.sin.data[position * pairs + pair];
        const left = x.data[first + pair];
        const right = x.data[first + pair + pairs];
        output.data[first + pair] = left * cos - right * sin;
        output.data[first + pair + pairs] = right * cos + left * sin;
      }
    }
  }
  return output;
}

function checkShapes(x: Dense, positions: ArrayLike<number>, { cos, sin }: ReferenceRotaryTable): void {
  const pairs = cos.shape[1];
  const tablesFit = [cos, sin].every(({ shape }) =>
    shape.length === 2 && shape[0] === cos.shape[0] && shape[1] === pairs
  );
  if (x.shape.length !== 4 || !tablesFit || 2 * pairs > x.shape[3]) {
    throw new TypeError(
      `rotary: ${shapeText(x)} must be [batch, rows, heads, d], and tables ${shapeText(cos)} and ${shapeText(sin)} ` +
        "[positions, pairs] with at most d / 2 pairs",
    );
  }
  const wanted = x.shape[0] * x.shape[1];
  if (positions.length !== wanted) {
    throw new TypeError(`rotary: ${positions.length} positions were given for ${wanted} rows`);
  }
}
