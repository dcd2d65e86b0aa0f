import * as z from "../../zod.ts";
import type { Device } from "../../gpu/mod.ts";
import { slice, Tensor } from "../../tensor/mod.ts";
import type { LayerMemory } from "./layer_memory.ts";
import { factsOf, savedCount, type SavedState } from "./saved_state.ts";

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
    const kept = Tensor.empty(this.#device, [capacity, this.#width], "f32", "kept of blocks");
    if (old && this.blocks > 0) this.#device.commands.copy(old.buffer, 0, kept.buffer, 0, this.bytes);
    this.#kept = kept;
    old?.[Symbol.dispose]();
    this.#shared = false;
  }
}
