import { Tensor } from "../../tensor/mod.ts";
import { allHeads, bring } from "../attend/bring.ts";
import { gather } from "../attend/gather.ts";
import type { BlockMemory } from "../memory/block_memory.ts";
import { headVectors } from "../shape.ts";
import { type AttentionStep, disposeAttended } from "../step.ts";
import { listRuns, longestOf, type TokenRun, tokensOf } from "./token_runs.ts";

/** Keys and values of a run of each sequence's tokens. */
export interface GatheredRun {
  /** f32 [batch, KV heads, bound, padded head size]. */
  readonly keys: Tensor;
  /** f32 of the same shape; they mean nothing where values lie outside the GPU. */
  readonly values: Tensor;
  /** Most tokens of a run. */
  readonly bound: number;
  /** Gives the buffers back. */
  [Symbol.dispose](): void;
}

/**
 * Brings the keys of a run of each sequence's tokens, all of them read in earlier steps, from wherever keys lie: what a method needs
 * that makes a memory of its own from tokens' keys. Values come along where they lie on the GPU.
 *
 * @param runs per sequence; at least one is not empty
 * @param positions by which keys are turned
 * @throws {PlatformError} where a file does not give them.
 */
export async function bringRuns(
  step: AttentionStep,
  layer: number,
  runs: readonly TokenRun[],
  positions: "original" | "none",
): Promise<GatheredRun> {
  if (!step.context.cache.pool.outside.keys) return gatherRuns(step, layer, runs, positions);
  const heads = allHeads(step);
  const wanted = runs.map((run, sequence) => ({ sequence, heads, tokens: tokensOf(run) }));
  using keys = await bring(step, layer, "keys", wanted, longestOf(runs));
  return gatherRuns(step, layer, runs, positions, keys);
}

/**
 * Copies the keys and values of a run of each sequence's tokens out of the pages.
 *
 * @param runs per sequence; at least one is not empty
 * @param positions by which keys are turned
 * @param brought the runs' keys where the pages don't have them
 */
export function gatherRuns(
  step: AttentionStep,
  layer: number,
  runs: readonly TokenRun[],
  positions: "original" | "none",
  brought?: Tensor,
): GatheredRun {
  const { cache, rotation } = step.context;
  const { device } = step;
  const listed = listRuns(step, runs);
  const { bound } = listed;
  const shape = [runs.length, cache.shape.keyValueHeads, bound, 4 * headVectors(cache.shape.headSize)];
  const keys = Tensor.empty(device, shape, "f32", "gathered keys");
  const values = Tensor.empty(device, shape, "f32", "gathered values");
  const table = rotation.upTo(positions === "original" ? Math.max(...cache.lengths) : 1);
  const into = { keys, values, rotation: table, positions, ...(brought && { brought }) };
  gather(step, layer, listed, into);
  disposeAttended(listed);
  return {
    keys,
    values,
    bound,
    [Symbol.dispose]() {
      keys[Symbol.dispose]();
      values[Symbol.dispose]();
    },
  };
}

/** How queries are held against what is kept of blocks. */
export type BlockScoring = "vector" | "vector of query heads" | "bounds";

/**
 * Scores all blocks that are kept, sequence by sequence.
 *
 * @param queries f32 [batch, rows, query heads, head size]
 * @returns f32 [batch, selections, blocks], or undefined where no sequence has a block
 */
export function scoreBlocks(
  step: AttentionStep,
  queries: Tensor,
  memories: readonly BlockMemory[],
  { scoring, selections }: { scoring: BlockScoring; selections: number },
): Tensor | undefined {
  const { device, context: { cache: { shape } } } = step;
  const stride = Math.max(...memories.map(({ blocks }) => blocks));
  if (stride === 0) return undefined;
  const scores = Tensor.empty(device, [memories.length, selections, stride], "f32", "block scores");
  memories.forEach((memory, sequence) => {
    const rows = queries.shape[1];
    device.commands.dispatch({
      kernel: "score_blocks",
      constants: {
        SIZE: shape.headSize,
        MODE: (["vector", "vector of query heads", "bounds"] as const).indexOf(scoring),
      },
      params: {
        ...{ sequence, rows, query_heads: shape.queryHeads, heads: shape.keyValueHeads, selections, stride },
        blocks: memory.blocks,
      },
      // A sequence without blocks reads nothing; its queries stand in for the binding.
      bindings: [queries, memory.blocks > 0 ? memory.kept : queries, scores].map(({ buffer }) => ({ buffer })),
      groups: Math.ceil(selections * stride / 8),
      work: stride * rows * shape.queryHeads * shape.headSize,
    });
  });
  return scores;
}
