import * as z from "../../zod.ts";
import { Tensor } from "../../tensor/mod.ts";
import { attendOuter, attendOver, listOuter } from "../attend/attend.ts";
import { BlockMemory } from "../memory/block_memory.ts";
import { attendPicked, MOST_BLOCKS, selectBlocks } from "../selection/block_selection.ts";
import { type Knobs, spanTokens } from "../knobs/knobs.ts";
import type { AttentionMethod, MethodName } from "../method.ts";
import { oneOf, ownKnobs, trainedContextOf, wholeNumber } from "../knobs/own_knobs.ts";
import { rememberQueries } from "../memory/recent_queries.ts";
import { attendRelative } from "../attend/relative.ts";
import { bringRuns, scoreBlocks } from "../selection/score_blocks.ts";
import type { TokenRun } from "../selection/token_runs.ts";
import type { AttentionShape } from "../shape.ts";
import type { AttendedTokens, AttentionStep, StepLayout, StepShape } from "../step.ts";

/**
 * InfLLM (Xiao et al. 2024, arXiv 2402.04617): tokens that left the local window are kept in blocks; a block is represented
 * by the keys of the tokens that the queries after them asked for most; each step attends to leading tokens, the blocks whose
 * representatives fit its queries best, and the local window. Products are taken before rotation; rows of a step and all
 * heads choose together. All tokens beyond the local window stand at its length. The paper keeps blocks in the host's
 * memory and brings back those chosen: a cache with `keysOn: "host"` (or `"file"`) does so, and what grows on the GPU is then
 * a vector for each block and layer. Leading tokens and local window, which the paper leaves on the GPU, are brought in each
 * step too.
 *
 * Own knobs: `block` (tokens; the paper's 128, less for models trained at fewer than 2,048), `representatives` (the paper's 4),
 * `blocks` (attended to; default what the selecting methods' scope leaves room for), `local` (default the window less a chunk,
 * the paper's 4,096) and `far`: "capped", the paper's, or "compact", positions renumbered without holes. `globalSize` (the
 * paper's 128) holds for the leading tokens.
 *
 * @example
 * ```ts
 * import { createMethod, InfLlm, presets, resolveKnobs } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8, trainedContext: 512 };
 * const knobs = resolveKnobs({ own: { block: 32, blocks: 6, local: 192 } }, presets.demo);
 * const method = createMethod("infllm", knobs, shape);
 * const step = { length: 100_000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertInstanceOf(method, InfLlm);
 * // Leading tokens, blocks and local window, and a block less one token that waits to be full.
 * assertEquals(method.scopeBound(step), 32 + 6 * 32 + 192 + 31);
 * ```
 */
export class InfLlm implements AttentionMethod {
  /** The name that tables and figures show. */
  readonly name: MethodName = "infllm";
  /** `globalSize` and the method's own matter here. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth =
    "every token stays, and a vector for each block; each step attends to a bounded number of tokens";
  readonly #own: { block: number; representatives: number; blocks: number; local: number; far: "capped" | "compact" };

  /** `knobs` are complete; `shape` tells the trained context. */
  constructor(knobs: Readonly<Knobs>, shape: AttentionShape) {
    this.knobs = { ...knobs, positions: "compact" };
    const block = Math.min(128, Math.max(1, Math.floor(trainedContextOf(shape) / 16)));
    const own = ownKnobs(this.name, {
      block: z._default(wholeNumber(1), block),
      representatives: z._default(wholeNumber(1), 4),
      blocks: z.optional(wholeNumber(1, MOST_BLOCKS)),
      local: z._default(wholeNumber(1), Math.max(1, knobs.window - knobs.chunkSize)),
      far: z._default(oneOf("capped", "compact"), "capped"),
    }, knobs);
    // The window holds up to a block less one token that wait for their block to be full.
    const blocks = own.blocks ?? Math.min(MOST_BLOCKS, Math.floor((spanTokens(knobs) - own.block + 1) / own.block));
    this.#own = { ...own, blocks: Math.max(1, blocks) };
  }

  /** Leading tokens, whole blocks that the step's first token has left behind, and the rest. */
  layout({ length, rows }: StepShape): StepLayout {
    const blocks = this.#leftBehind(length - rows);
    if (blocks <= 0) return { mode: "full", leading: length, windowStart: length };
    const leading = this.knobs.globalSize;
    return { mode: "select", leading, windowStart: leading + blocks * this.#own.block };
  }

  /** `globalSize + blocks x block + local + rows`, and up to a block less one token that wait. */
  scopeBound({ length, rows }: StepShape): number {
    const { block, blocks, local } = this.#own;
    return Math.min(length, this.knobs.globalSize + blocks * block + local + rows - 1 + block - 1);
  }

  /** A vector of each block. */
  scoredKeys(step: StepShape): number {
    const { mode, leading, windowStart } = this.layout(step);
    return mode === "select" ? (windowStart - leading) / this.#own.block : 0;
  }

  /** Takes note of the step's queries, and makes blocks of what it has left behind; their keys may have to be brought. */
  async prepare(step: AttentionStep, layer: number, queries: Tensor): Promise<void> {
    const { local, block } = this.#own;
    rememberQueries(step.context.cache.sequences, layer, queries, local + block + 2 * this.knobs.chunkSize);
    if (step.middleLength > 0) await this.#makeBlocks(step, layer);
  }

  /**
   * Attends in one layer.
   *
   * @throws {Error} where `prepare` was not awaited before.
   */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    const { block, blocks } = this.#own;
    const attend = (attended: AttendedTokens) => this.#attend(step, layer, queries, attended);
    if (step.middleLength === 0) {
      return this.#own.far === "compact" ? attendOuter(step, layer, queries) : attend(listOuter(step, layer));
    }
    const memories = this.#memories(step, layer);
    const wanted = this.#wanted(step);
    if (memories.some((memory, sequence) => memory.blocks < wanted[sequence])) {
      throw new Error("infllm: await the method's prepare before its attend");
    }
    using scores = scoreBlocks(step, queries, memories, { scoring: "vector", selections: 1 })!;
    const selection = selectBlocks(step, scores, blocks, block);
    return attendPicked(step, layer, queries, blocks * block, selection, attend);
  }

  #attend(step: AttentionStep, layer: number, queries: Tensor, attended: AttendedTokens): Tensor {
    if (this.#own.far === "compact") return attendOver(step, layer, queries, attended);
    const relative = { rule: "capped", near: this.#own.local } as const;
    return attendRelative(step, layer, queries, attended, { relative, positions: "original" });
  }

  /** Whole blocks, past the leading tokens, out of the local window of token `first`. */
  #leftBehind(first: number): number {
    const { local, block } = this.#own;
    return Math.floor((first - local + 1 - this.knobs.globalSize) / block);
  }

  /** Each sequence's blocks. */
  #memories(step: AttentionStep, layer: number): BlockMemory[] {
    const { block } = this.#own;
    const { globalSize } = this.knobs;
    const { sequences, shape } = step.context.cache;
    return sequences.map((sequence) =>
      sequence.memory(layer, () => {
        // A block is made in the first step whose tokens all have left it behind.
        const needed = { before: globalSize + this.#own.local, each: block };
        return new BlockMemory(step.device, shape.keyValueHeads * shape.headSize, needed);
      })
    );
  }

  /** How many blocks of each sequence a step chooses from. */
  #wanted({ layouts }: AttentionStep): number[] {
    return layouts.map(({ mode, leading, windowStart }) => {
      return mode === "select" ? (windowStart - leading) / this.#own.block : 0;
    });
  }

  /** Makes the blocks that are not there yet from their tokens' keys and the queries that followed them. */
  async #makeBlocks(step: AttentionStep, layer: number): Promise<void> {
    const { block } = this.#own;
    const { globalSize } = this.knobs;
    const memories = this.#memories(step, layer);
    const wanted = this.#wanted(step);
    const runs = memories.map(({ blocks }, sequence): TokenRun => {
      return [globalSize + blocks * block, globalSize + Math.max(blocks, wanted[sequence]) * block];
    });
    if (runs.every(([first, end]) => first === end)) return;
    using gathered = await bringRuns(step, layer, runs, "none");
    memories.forEach((memory, sequence) => {
      const [first, end] = runs[sequence];
      if (end > first) this.#represent(step, layer, { memory, sequence, first, end, ...gathered });
    });
  }

  #represent(
    step: AttentionStep,
    layer: number,
    run: { memory: BlockMemory; sequence: number; first: number; end: number; keys: Tensor; bound: number },
  ): void {
    const { device, context: { cache } } = step;
    const { queryHeads, keyValueHeads: heads, headSize: SIZE } = cache.shape;
    const { memory, sequence, first, end, keys, bound } = run;
    const { block, local, representatives } = this.#own;
    const { length, recentQueries } = cache.sequences[sequence];
    using queries = recentQueries.last(layer, length - first - 1);
    if (queries.shape[1] < length - first - 1) {
      throw new RangeError(`infllm: a step was longer than chunkSize (${this.knobs.chunkSize}): queries are missing`);
    }
    const tokens = end - first;
    const follow = local;
    const shared = { sequence, heads, bound, padded: keys.shape[3] };
    using relevance = Tensor.empty(device, [heads, tokens], "f32", "relevance");
    device.commands.dispatch({
      kernel: "token_relevance",
      constants: { SIZE },
      // Row 0 of the queries is that of the token after the first.
      params: { ...shared, query_heads: queryHeads, size: SIZE, tokens, first_row: 0, follow },
      bindings: [queries, keys, relevance].map(({ buffer }) => ({ buffer })),
      groups: Math.ceil(heads * tokens / 8),
      work: tokens * follow * queryHeads * SIZE,
    });
    const firstBlock = memory.blocks;
    const blocks = tokens / block;
    const target = memory.grow(firstBlock + blocks);
    device.commands.dispatch({
      kernel: "block_representatives",
      constants: { SIZE },
      params: { ...shared, blocks, block_tokens: block, first_block: firstBlock, representatives },
      bindings: [relevance, keys, target].map(({ buffer }) => ({ buffer })),
      groups: Math.ceil(heads * blocks / 8),
      work: heads * tokens * representatives,
    });
  }
}
