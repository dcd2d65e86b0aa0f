import * as z from "../../zod.ts";
import { Tensor } from "../../tensor/mod.ts";
import { attendOuter } from "../attend/attend.ts";
import { BlockMemory } from "../memory/block_memory.ts";
import { attendPicked, MOST_BLOCKS, selectBlocks } from "../selection/block_selection.ts";
import { type Knobs, spanTokens } from "../knobs/knobs.ts";
import type { AttentionMethod, MethodName } from "../method.ts";
import { ownKnobs, trainedContextOf, wholeNumber } from "../knobs/own_knobs.ts";
import { rememberQueries } from "../memory/recent_queries.ts";
import { type GatheredRun, gatherRuns, scoreBlocks } from "../selection/score_blocks.ts";
import type { AttentionShape } from "../shape.ts";
import type { AttentionStep, StepLayout, StepShape } from "../step.ts";

/**
 * LongHeads (Lu et al. 2024, arXiv 2402.10685): the context is cut into chunks, each with a key of its own in each head, made
 * by the chunk's attention to itself. Each head attends to the first chunk, the chunk being written and the one before, and
 * to the chunks whose keys fit its queries best, renumbered without holes. KV heads choose, their query heads together, and
 * the rows of a step together, where the paper's heads and tokens each choose alone.
 *
 * Own knobs: `chunk` (tokens; the paper's 256 of 4,096 trained: default a sixteenth of the trained context) and `picked`
 * (chunks besides the first and the last ones; default the selecting methods' scope, the paper's 4,096 tokens in all).
 *
 * @example
 * ```ts
 * import { createMethod, LongHeads, presets, resolveKnobs } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const knobs = resolveKnobs({ own: { chunk: 32, picked: 5 } }, presets.demo);
 * const method = createMethod("long-heads", knobs, shape);
 * const step = { length: 100_000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertInstanceOf(method, LongHeads);
 * assertEquals(method.scopeBound(step), (5 + 3) * 32); // the first, the one before and the newest chunk come on top
 * ```
 */
export class LongHeads implements AttentionMethod {
  /** The name that tables and figures show. */
  readonly name: MethodName = "long-heads";
  /** `chunkSize` and the method's own matter here. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth =
    "every token stays, and a key for each chunk and head; each step attends to a bounded number of tokens";
  readonly #own: { chunk: number; picked: number };
  readonly #group: number;

  /** `knobs` are complete; `shape` tells the trained context. */
  constructor(knobs: Readonly<Knobs>, shape: AttentionShape) {
    this.knobs = { ...knobs, positions: "compact" };
    this.#group = shape.queryHeads / shape.keyValueHeads;
    const own = ownKnobs(this.name, {
      chunk: z._default(wholeNumber(1), Math.max(1, Math.floor(trainedContextOf(shape) / 16))),
      picked: z.optional(wholeNumber(1, MOST_BLOCKS)),
    }, knobs);
    const room = knobs.globalSize + spanTokens(knobs) + knobs.window - knobs.chunkSize - 3 * own.chunk + 1;
    const picked = Math.min(MOST_BLOCKS, Math.max(1, Math.floor(room / own.chunk)));
    this.#own = { ...own, picked: own.picked ?? picked };
  }

  /** Its chunks' vectors come from attention inside them. */
  readonly readsValuesFor = "the vectors of its chunks";
  /** The same. */
  readonly readsKeysFor = "the vectors of its chunks";

  /** The first chunk, whole chunks to choose from, and the chunk before the step's first token's. */
  layout({ length, rows }: StepShape): StepLayout {
    const { chunk } = this.#own;
    const windowStart = (Math.floor((length - rows) / chunk) - 1) * chunk;
    if (windowStart <= chunk) return { mode: "full", leading: length, windowStart: length };
    return { mode: "select", leading: chunk, windowStart };
  }

  /** The first chunk, the picked ones, the one before, the one being written, and the step's tokens. */
  scopeBound({ length, rows }: StepShape): number {
    const { chunk, picked } = this.#own;
    return Math.min(length, (picked + 3) * chunk - 1 + rows);
  }

  /** A key of each chunk for each query head. */
  scoredKeys(step: StepShape): number {
    const { mode, leading, windowStart } = this.layout(step);
    return mode === "select" ? this.#group * (windowStart - leading) / this.#own.chunk : 0;
  }

  /** Attends in one layer. */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    const { chunk, picked } = this.#own;
    const { sequences, shape } = step.context.cache;
    rememberQueries(sequences, layer, queries, 3 * chunk + 2 * this.knobs.chunkSize);
    if (step.middleLength === 0) return attendOuter(step, layer, queries);
    const memories = this.#chunks(step, layer);
    const options = { scoring: "vector of query heads", selections: shape.keyValueHeads } as const;
    using scores = scoreBlocks(step, queries, memories, options)!;
    return attendPicked(step, layer, queries, picked * chunk, selectBlocks(step, scores, picked, chunk));
  }

  /** Each sequence's chunks after the first, new ones made from their queries, keys and values. */
  #chunks(step: AttentionStep, layer: number): BlockMemory[] {
    const { chunk } = this.#own;
    const { sequences, shape } = step.context.cache;
    const width = shape.queryHeads * shape.headSize;
    const memories = sequences.map((sequence) =>
      // A chunk is chosen from once the next one is full.
      sequence.memory(layer, () => new BlockMemory(step.device, width, { before: 2 * chunk, each: chunk }))
    );
    const runs = memories.map(({ blocks }, sequence): [number, number] => {
      const { mode, windowStart } = step.layouts[sequence];
      const first = (blocks + 1) * chunk;
      return [first, mode === "select" ? Math.max(first, windowStart) : first];
    });
    if (runs.every(([first, end]) => first === end)) return memories;
    using gathered = gatherRuns(step, layer, runs, "none");
    memories.forEach((memory, sequence) => {
      const [first, end] = runs[sequence];
      if (end > first) this.#summarize(step, layer, gathered, { memory, sequence, first, tokens: end - first });
    });
    return memories;
  }

  #summarize(
    step: AttentionStep,
    layer: number,
    { keys, values, bound }: GatheredRun,
    { memory, sequence, first, tokens }: { memory: BlockMemory; sequence: number; first: number; tokens: number },
  ): void {
    const { device, context: { cache, rotation } } = step;
    const { queryHeads, keyValueHeads: heads, headSize } = cache.shape;
    const { length, recentQueries } = cache.sequences[sequence];
    using queries = recentQueries.last(layer, length - first);
    if (queries.shape[1] < length - first) {
      throw new RangeError(
        `long-heads: a step was longer than chunkSize (${this.knobs.chunkSize}): queries are missing`,
      );
    }
    const { chunk } = this.#own;
    const angles = rotation.upTo(chunk);
    const constants = { HALF: headSize / 2 };
    const shared = {
      ...{ sequence, heads, query_heads: queryHeads, bound, padded: keys.shape[3], tokens, chunk },
      scale: 1 / Math.sqrt(headSize),
    };
    using features = Tensor.empty(device, [queryHeads, tokens, headSize], "f32", "chunk features");
    device.commands.dispatch({
      kernel: "chunk_features",
      constants,
      params: shared,
      bindings: [queries, keys, values, angles, features].map(({ buffer }) => ({ buffer })),
      groups: Math.ceil(queryHeads * tokens / 8),
      work: 2 * queryHeads * tokens * chunk * headSize,
    });
    const firstChunk = memory.blocks;
    const target = memory.grow(firstChunk + tokens / chunk);
    device.commands.dispatch({
      kernel: "chunk_keys",
      constants,
      params: { ...shared, first_chunk: firstChunk },
      bindings: [features, keys, angles, target].map(({ buffer }) => ({ buffer })),
      groups: Math.ceil(queryHeads * tokens / chunk / 8),
      work: 3 * queryHeads * tokens * headSize,
    });
  }
}
