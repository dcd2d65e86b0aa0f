import { z } from "zod";
import type { Device } from "../gpu/mod.ts";
import { concat, slice, Tensor } from "../tensor/mod.ts";
import { foldGrid, gather } from "./attend.ts";
import type { LayerMemory } from "./layer_memory.ts";
import { factsOf, savedCount, type SavedState } from "./saved_state.ts";
import { headVectors } from "./shape.ts";
import type { AttentionStep } from "./step.ts";

/** Tokens that must have been read before so many blocks can be made: `before` and `each` for every block. */
export interface BlocksNeed {
  /** Tokens beside the blocks' own. */
  readonly before: number;
  /** Tokens of a block. */
  readonly each: number;
}

const savedBlocks = z.object({
  kind: z.literal("blocks"),
  blocks: savedCount,
  width: savedCount,
  needed: z.object({ before: savedCount, each: savedCount }),
});

/** What is kept of each block of a sequence's tokens in one layer; blocks are made once and never change. */
export class BlockMemory implements LayerMemory {
  /** Blocks kept. */
  blocks = 0;
  readonly #device: Device;
  readonly #width: number;
  readonly #needed: BlocksNeed;
  #kept: Tensor | undefined;
  #shared = false;

  /** No blocks yet, each of `width` floats. */
  constructor(device: Device, width: number, needed: BlocksNeed) {
    this.#device = device;
    this.#width = width;
    this.#needed = needed;
  }

  /** Bytes of the blocks kept. */
  get bytes(): number {
    return 4 * this.blocks * this.#width;
  }

  /** f32 [blocks or more, width]; there must be some. */
  get kept(): Tensor {
    return this.#kept!;
  }

  /** Makes room for `blocks` blocks in all; those that are new are to be written. */
  grow(blocks: number): Tensor {
    const capacity = this.#kept?.shape[0] ?? 0;
    // Blocks that a fork sees too must not be written over.
    if (blocks > capacity || this.#shared) this.#move(blocks > capacity ? 2 * blocks : capacity);
    this.blocks = blocks;
    return this.#kept!;
  }

  /** The same blocks, going their own way. */
  fork(): BlockMemory {
    const fork = new BlockMemory(this.#device, this.#width, this.#needed);
    fork.blocks = this.blocks;
    fork.#kept = this.#kept?.share();
    fork.#shared = this.#shared = this.#kept !== undefined;
    return fork;
  }

  /** Forgets blocks that could not have been made yet. */
  truncate(length: number): void {
    const { before, each } = this.#needed;
    while (this.blocks > 0 && before + this.blocks * each > length) this.blocks--;
  }

  /** What it holds, for a file. */
  save(): SavedState {
    const [blocks, width] = [this.blocks, this.#width];
    const facts: z.infer<typeof savedBlocks> = { kind: "blocks", blocks, width, needed: this.#needed };
    return { facts, tensors: blocks > 0 ? [slice(this.kept, [0, 0], [blocks, width])] : [] };
  }

  /** The memory that was saved; takes the state over. */
  static restore(device: Device, { facts, tensors: [kept] }: SavedState): BlockMemory {
    const { blocks, width, needed } = factsOf("saved blocks", facts, savedBlocks);
    const memory = new BlockMemory(device, width, needed);
    memory.blocks = blocks;
    memory.#kept = kept;
    return memory;
  }

  /** Gives the buffer back. */
  [Symbol.dispose](): void {
    this.#kept?.[Symbol.dispose]();
    this.#kept = undefined;
  }

  #move(capacity: number): void {
    const old = this.#kept;
    const label = "kept of blocks";
    if (old && this.blocks > 0) {
      using before = slice(old, [0, 0], [this.blocks, this.#width]);
      using rest = Tensor.empty(this.#device, [capacity - this.blocks, this.#width], "f32", label);
      this.#kept = capacity > this.blocks ? concat([before, rest], 0) : before.share();
    } else {
      this.#kept = Tensor.empty(this.#device, [capacity, this.#width], "f32", label);
    }
    old?.[Symbol.dispose]();
    this.#shared = false;
  }
}

/** Keys and values of a run of each sequence's tokens. */
export interface GatheredRun {
  /** f32 [batch, KV heads, bound, padded head size]. */
  readonly keys: Tensor;
  /** f32 of the same shape. */
  readonly values: Tensor;
  /** Most tokens of a run. */
  readonly bound: number;
  /** Gives the buffers back. */
  [Symbol.dispose](): void;
}

/**
 * Copies the keys and values of a run of each sequence's tokens out of the pages.
 *
 * @param runs first token and end, per sequence; at least one is not empty
 * @param positions by which keys are turned
 */
export function gatherRuns(
  step: AttentionStep,
  layer: number,
  runs: readonly (readonly [number, number])[],
  positions: "original" | "none",
): GatheredRun {
  const { cache, rotation } = step.context;
  const { device } = step;
  const bound = Math.max(...runs.map(([first, end]) => end - first));
  const tokens = runs.flatMap(([first]) => Array.from({ length: bound }, (_, place) => first + place));
  using indices = Tensor.from(device, Uint32Array.from(tokens), [runs.length, 1, bound], "run");
  const lengths = Uint32Array.from(runs, ([first, end]) => end - first);
  using counts = Tensor.from(device, lengths, [runs.length, 1], "run lengths");
  using grid = foldGrid(step, counts);
  const shape = [runs.length, cache.shape.keyValueHeads, bound, 4 * headVectors(cache.shape.headSize)];
  const keys = Tensor.empty(device, shape, "f32", "gathered keys");
  const values = Tensor.empty(device, shape, "f32", "gathered values");
  const table = rotation.upTo(positions === "original" ? Math.max(...cache.lengths) : 1);
  gather(step, layer, { indices, counts, grid, selections: 1, bound }, { keys, values, rotation: table, positions });
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
