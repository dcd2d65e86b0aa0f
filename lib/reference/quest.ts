import { type BlockInput, heaviest, range, rowOf } from "./block_input.ts";

/**
 * The tokens that a step of Quest attends to, one list for each KV head (arXiv 2406.10774, section 3.2): the pages with the
 * highest sums over channels of max(q min, q max), query heads of a group and rows added, and what no page holds yet.
 *
 * @param input `queries` and `keys` as pages see them: rotated, as published, or not
 *
 * @example
 * ```ts
 * import { dense, questTokens } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const keys = dense([1, 0, 0, 1, 5, 5], [1, 3, 2]);
 * const queries = dense([0, 0, 0, 0, 1, 0], [1, 3, 2]);
 * assertEquals(questTokens({ queries, keys, rows: 1 }, { page: 1, pages: 1 }), [[0, 2]]);
 * ```
 */
export function questTokens(
  { queries, keys, rows }: BlockInput,
  { page, pages }: { readonly page: number; readonly pages: number },
): number[][] {
  const [queryHeads, length, size] = queries.shape;
  const keyHeads = keys.shape[0];
  const group = queryHeads / keyHeads;
  const whole = Math.floor((length - rows) / page);
  return Array.from({ length: keyHeads }, (_, keyHead) => {
    const scores = Array.from({ length: whole }, (_, number) => {
      let score = 0;
      const own = range(number * page, (number + 1) * page).map((token) => rowOf(keys, keyHead, token));
      for (let c = 0; c < size; c++) {
        const [least, most] = [Math.min(...own.map((key) => key[c])), Math.max(...own.map((key) => key[c]))];
        for (let h = keyHead * group; h < (keyHead + 1) * group; h++) {
          for (let m = length - rows; m < length; m++) {
            const q = rowOf(queries, h, m)[c];
            score += Math.max(q * least, q * most);
          }
        }
      }
      return score;
    });
    const picked = heaviest(scores, pages).flatMap((number) => range(number * page, (number + 1) * page));
    return [...picked.sort((a, b) => a - b), ...range(whole * page, length)];
  });
}
