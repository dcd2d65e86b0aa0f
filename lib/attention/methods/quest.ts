import * as z from "../../zod.ts";
import type { Tensor } from "../../tensor/mod.ts";
import { attendOuter } from "../attend/attend.ts";
import { rotateQueries } from "../attend/gather.ts";
import { BlockMemory } from "../memory/block_memory.ts";
import { attendPicked, MOST_BLOCKS, selectBlocks } from "../selection/block_selection.ts";
import { type Knobs, spanTokens } from "../knobs/knobs.ts";
import type { AttentionMethod, MethodName } from "../method.ts";
import { ownKnobs, wholeNumber } from "../knobs/own_knobs.ts";
import { gatherRuns, scoreBlocks } from "../selection/score_blocks.ts";
import type { AttentionStep, StepLayout, StepShape } from "../step.ts";

/**
 * Quest (Tang et al. 2024, arXiv 2406.10774): keeps the smallest and the largest key of each page, channel by channel, bounds
 * with them the score that any key of the page can reach, and attends to the pages with the highest bounds and to the page
 * that is being filled. Each KV head picks its own pages; where several query heads share it, which the paper does not
 * have, their bounds are added.
 *
 * "quest" is as published: keys keep their own rotated positions, the prompt is read with full attention, only decoding
 * selects, and the first `full` layers never do. "quest-compact", a variant, bounds keys before rotation, renumbers what it
 * attends to, and selects in every step and layer, so that it can go beyond the trained context.
 *
 * Own knobs: `page` (tokens, the paper's 16), `pages` (picked; default the selecting methods' scope, at most 256: the paper
 * tries 256 to 4,096 tokens) and `full` (layers, the paper's 2; 0 in the variant).
 *
 * @example
 * ```ts
 * import { createMethod, presets, Quest, resolveKnobs } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const knobs = resolveKnobs({ own: { page: 16, pages: 8 } }, presets.demo);
 * const method = createMethod("quest-compact", knobs, shape);
 * const step = { length: 100_000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertInstanceOf(method, Quest);
 * assertEquals(method.scopeBound(step), 8 * 16 + 16); // the picked pages and the one being filled
 * ```
 */
export class Quest implements AttentionMethod {
  /** The name that tables and figures show. */
  readonly name: MethodName;
  /** `positions` and the method's own matter here. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth =
    "every token stays, and two vectors for each page; a decode step attends to a bounded number of tokens";
  /** Bounds are made of them. */
  readonly readsKeysFor = "the bounds of its pages";
  readonly #own: { page: number; pages: number; full: number };

  /** `knobs` are complete. */
  constructor(name: "quest" | "quest-compact", knobs: Readonly<Knobs>) {
    this.name = name;
    this.knobs = { ...knobs, positions: name === "quest" ? "original" : "compact" };
    const own = ownKnobs(name, {
      page: z._default(wholeNumber(1), 16),
      pages: z.optional(wholeNumber(1, MOST_BLOCKS)),
      full: z._default(wholeNumber(0), name === "quest" ? 2 : 0),
    }, knobs);
    const room = knobs.globalSize + spanTokens(knobs) + knobs.window - knobs.chunkSize - own.page + 1;
    this.#own = { ...own, pages: own.pages ?? Math.min(MOST_BLOCKS, Math.max(1, Math.floor(room / own.page))) };
  }

  /** Whole pages before the step's own tokens, and the rest. */
  layout({ length, rows, phase }: StepShape): StepLayout {
    const pages = Math.floor((length - rows) / this.#own.page);
    const reads = this.name === "quest" && phase === "prefill";
    if (reads || pages <= this.#own.pages) return { mode: "full", leading: length, windowStart: length };
    return { mode: "select", leading: 0, windowStart: pages * this.#own.page };
  }

  /** `pages x page`, the step's tokens and a page less one token; all tokens where a layer never selects. */
  scopeBound({ length, rows, phase }: StepShape): number {
    const { page, pages, full } = this.#own;
    if (full > 0 || (this.name === "quest" && phase === "prefill")) return length;
    return Math.min(length, pages * page + page - 1 + rows);
  }

  /** Two vectors of each page. */
  scoredKeys(step: StepShape): number {
    const { mode, windowStart } = this.layout(step);
    return mode === "select" ? 2 * windowStart / this.#own.page : 0;
  }

  /** Attends in one layer. */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    if (step.middleLength === 0) return attendOuter(step, layer, queries);
    if (layer < this.#own.full) return this.#attendFully(step, layer, queries);
    const { cache, rotation } = step.context;
    const original = this.knobs.positions === "original";
    const memories = this.#bounds(step, layer);
    using turned = original ? rotateQueries(step, queries, rotation.upTo(Math.max(...cache.lengths))) : queries.share();
    const selections = cache.shape.keyValueHeads;
    using scores = scoreBlocks(step, turned, memories, { scoring: "bounds", selections })!;
    const { page, pages } = this.#own;
    return attendPicked(step, layer, queries, pages * page, selectBlocks(step, scores, pages, page));
  }

  #attendFully(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    return attendOuter(step.by(this.#fully), layer, queries);
  }

  /** The method as its first layers see it. */
  readonly #fully = {
    knobs: { positions: "original" } as Knobs,
    layout: ({ length }: StepShape): StepLayout => ({ mode: "full", leading: length, windowStart: length }),
    attend: (step: AttentionStep, layer: number, queries: Tensor): Tensor => attendOuter(step, layer, queries),
  };

  /** Each sequence's pages, new ones made from their keys. */
  #bounds(step: AttentionStep, layer: number): BlockMemory[] {
    const { page } = this.#own;
    const { sequences, shape: { keyValueHeads: heads, headSize: size } } = step.context.cache;
    const memories = sequences.map((sequence) =>
      sequence.memory(layer, () => new BlockMemory(step.device, 2 * heads * size, { before: 0, each: page }))
    );
    const runs = memories.map(({ blocks }, sequence): [number, number] => {
      const { mode, windowStart } = step.layouts[sequence];
      return [blocks * page, Math.max(blocks * page, mode === "select" ? windowStart : 0)];
    });
    if (runs.every(([first, end]) => first === end)) return memories;
    using gathered = gatherRuns(step, layer, runs, this.knobs.positions === "original" ? "original" : "none");
    memories.forEach((memory, sequence) => {
      const [first, end] = runs[sequence];
      if (end === first) return;
      const blocks = (end - first) / page;
      const firstBlock = memory.blocks;
      const target = memory.grow(firstBlock + blocks);
      step.device.commands.dispatch({
        kernel: "block_bounds",
        params: {
          ...{ sequence, heads, size, bound: gathered.bound, padded: gathered.keys.shape[3] },
          ...{ blocks, block_tokens: page, first_block: firstBlock },
        },
        bindings: [gathered.keys, target].map(({ buffer }) => ({ buffer })),
        groups: Math.ceil(blocks * heads * size / 64),
        work: (end - first) * heads * size,
      });
    });
    return memories;
  }
}
