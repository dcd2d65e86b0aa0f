import type { AttentionWeights } from "./attention_weights.ts";

/**
 * Entropy of a head's attention in nats, averaged over its queries: 0 where each attends to one token, the logarithm of the
 * attended length where all weights are equal. The paper's second condition is that it stays as it was in training.
 *
 * @example
 * ```ts
 * import { attentionEntropy } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const head = { layer: 0, head: 0, queries: [1], positions: [0, 1], weights: [0.5, 0.5] };
 * assertEquals(attentionEntropy(head), Math.log(2));
 * ```
 */
export function attentionEntropy({ weights, queries }: Pick<AttentionWeights, "weights" | "queries">): number {
  let nats = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] > 0) nats -= weights[i] * Math.log(weights[i]);
  }
  return nats / queries.length;
}
