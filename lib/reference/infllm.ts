import { type BlockInput, dot, heaviest, range, rowOf } from "./block_input.ts";

/** InfLLM's knobs. */
export interface InfLlmKnobs {
  /** Leading tokens that are always attended to. */
  readonly globalSize: number;
  /** Tokens of a block. */
  readonly block: number;
  /** Tokens that represent a block. */
  readonly representatives: number;
  /** Blocks attended to. */
  readonly blocks: number;
  /** Tokens of the local window. */
  readonly local: number;
}

/**
 * The tokens that a step of InfLLM attends to (arXiv 2402.04617, section 3): of each token that left the local window, r(m) is
 * the mean product of its key with the next `local` queries; a block's representatives are its tokens with the highest r; its
 * relevance is the sum of their products with the step's queries, all heads added. KV heads have representatives of
 * their own.
 *
 * @example Two blocks of one token each; the second one's key is what the last query asks for
 * ```ts
 * import { dense, infLlmTokens } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const keys = dense([0, 0, 1, 0, 0, 2], [1, 3, 2]);
 * const queries = dense([0, 0, 0, 0, 1, 0], [1, 3, 2]);
 * const knobs = { globalSize: 0, block: 1, representatives: 1, blocks: 1, local: 1 };
 * assertEquals(infLlmTokens({ queries, keys, rows: 1 }, knobs), [1, 2]);
 * ```
 */
export function infLlmTokens({ queries, keys, rows }: BlockInput, knobs: InfLlmKnobs): number[] {
  const { globalSize, block, representatives, blocks, local } = knobs;
  const [queryHeads, length] = queries.shape;
  const keyHeads = keys.shape[0];
  const group = queryHeads / keyHeads;
  const first = length - rows;
  const count = Math.max(0, Math.floor((first - local + 1 - globalSize) / block));
  if (count === 0) return range(0, length);
  const end = globalSize + count * block;
  const product = (head: number, m: number, n: number) => {
    return dot(rowOf(queries, head, m), rowOf(keys, Math.floor(head / group), n));
  };
  const relevance = (keyHead: number, m: number) => {
    let total = 0;
    for (let later = m + 1; later <= m + local; later++) {
      for (let h = 0; h < group; h++) total += product(keyHead * group + h, later, m);
    }
    return total / local;
  };
  const scores = Array.from({ length: count }, (_, number) => {
    const tokens = range(globalSize + number * block, globalSize + (number + 1) * block);
    let score = 0;
    for (let keyHead = 0; keyHead < keyHeads; keyHead++) {
      const best = heaviest(tokens.map((m) => relevance(keyHead, m)), representatives).map((place) => tokens[place]);
      for (let h = keyHead * group; h < (keyHead + 1) * group; h++) {
        for (let m = first; m < length; m++) for (const token of best) score += product(h, m, token);
      }
    }
    return score;
  });
  const picked = heaviest(scores, blocks).flatMap((number) => {
    return range(globalSize + number * block, globalSize + (number + 1) * block);
  });
  return [...range(0, globalSize), ...picked.sort((a, b) => a - b), ...range(end, length)];
}
