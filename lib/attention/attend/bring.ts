import { Tensor } from "../../tensor/mod.ts";
import type { WantedValues } from "../cache/outside_values.ts";
import { headVectors } from "../shape.ts";
import type { AttentionStep } from "../step.ts";

/** Tokens of one sequence that are wanted on the GPU, for some KV heads. */
export interface WantedTokens {
  /** The sequence. */
  readonly sequence: number;
  /** The KV heads. */
  readonly heads: readonly number[];
  /** The tokens. */
  readonly tokens: Uint32Array;
}

/**
 * Brings keys or values of tokens from outside the GPU to it.
 *
 * @param bound most tokens of a head
 * @returns f32 [batch, KV heads, bound, padded head size], zeros where nothing was wanted
 * @throws {PlatformError} where a file does not give them.
 */
export async function bring(
  step: AttentionStep,
  layer: number,
  what: "keys" | "values",
  wanted: readonly WantedTokens[],
  bound: number,
): Promise<Tensor> {
  const { device, context: { cache } } = step;
  const { keyValueHeads, headSize } = cache.shape;
  const padded = 4 * headVectors(headSize);
  const shape = [cache.batch, keyValueHeads, bound, padded];
  const label = `${what} from the host`;
  if (device.counts) return Tensor.empty(device, shape, "f32", label);
  const vectors = wanted.map(({ sequence, heads, tokens }): WantedValues => {
    const { pages } = cache.sequences[sequence];
    return { pages, heads, tokens, places: heads.map((head) => (sequence * keyValueHeads + head) * bound * padded) };
  });
  const into = new Float32Array(cache.batch * keyValueHeads * bound * padded);
  await cache.pool.outside[what]!.gather(layer, vectors, into);
  return Tensor.from(device, into, shape, label);
}

/** All KV heads of a step's cache. */
export function allHeads({ context: { cache } }: AttentionStep): number[] {
  return Array.from({ length: cache.shape.keyValueHeads }, (_, head) => head);
}
