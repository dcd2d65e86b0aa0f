import { type AttendInput, checkAttendInput } from "./attend.ts";
import { type Dense, dense } from "./dense.ts";
import { slice } from "./rearrange.ts";
import { rotateRows } from "./rotate_rows.ts";

/**
 * The weights by which `attendSelected` means values: softmax of the scaled scores, in f64.
 *
 * @param input queries, cache and the tokens to attend to
 * @returns for each query head, f64 [S, tokens of its list]; what a row can't see has weight 0
 * @throws {TypeError} if shapes do not fit.
 * @throws {RangeError} if a list does not end with the step's own tokens.
 *
 * @example
 * ```ts
 * import { attendedWeights, dense } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const keys = dense([0, 0, 5, 5, 0, 0], [1, 3, 2]);
 * const [weights] = attendedWeights({
 *   queries: dense([1, 0], [1, 1, 2]),
 *   keys,
 *   values: keys,
 *   groups: [{ indices: new Uint32Array([0, 2]), positions: new Uint32Array([0, 1]) }],
 *   frequencies: [1],
 * });
 * assertEquals([...weights.data], [0.5, 0.5]);
 * ```
 */
export function attendedWeights(input: AttendInput): Dense<Float64Array>[] {
  checkAttendInput(input);
  const { queries, keys, groups, frequencies } = input;
  const [queryHeads, rows, size] = queries.shape;
  const [keyHeads, length] = keys.shape;
  return Array.from({ length: queryHeads }, (_, head) => {
    const keyHead = Math.floor(head / (queryHeads / keyHeads));
    const { indices, positions } = groups[groups.length === 1 ? 0 : keyHead];
    const turned = rotateRows(slice(queries, [head, 0, 0], [1, rows, size]), positions.slice(-rows), frequencies).data;
    const own = slice(keys, [keyHead, 0, 0], [1, length, size]).data;
    const gathered = Float32Array.from(
      Array.from(indices).flatMap((token) => [
        ...own.slice(token * size, (token + 1) * size),
      ]),
    );
    const rotated = rotateRows(dense(gathered, [1, indices.length, size]), positions, frequencies).data;
    const weights = new Float64Array(rows * indices.length);
    for (let row = 0; row < rows; row++) {
      const scores = Array.from(indices, (index, place) => {
        if (index > length - rows + row) return -Infinity;
        let sum = 0;
        for (let c = 0; c < size; c++) sum += turned[row * size + c] * rotated[place * size + c];
        return sum / Math.sqrt(size);
      });
      const highest = Math.max(...scores);
      const exponentials = scores.map((score) => Math.exp(score - highest));
      const total = exponentials.reduce((sum, value) => sum + value, 0);
      weights.set(exponentials.map((value) => value / total), row * indices.length);
    }
    return dense(weights, [rows, indices.length]);
  });
}
