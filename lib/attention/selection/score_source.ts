import { Tensor } from "../../tensor/mod.ts";
import { rotateQueries } from "../attend/gather.ts";
import { isOwnScoring } from "./own_scorer.ts";
import { newTokensVote, scoresReadValues, votingHeads } from "../knobs/scoring.ts";
import type { Slab } from "../cache/slab.ts";
import { headVectors } from "../shape.ts";
import type { AttentionStep } from "../step.ts";
import { readsStored, type StorageType } from "../cache/storage.ts";

/** Where vectors to score lie, as the kernel reads pages. */
export interface ScoredPages {
  /** The vectors, [pages, KV heads, page tokens, padded head size]. */
  readonly buffer: Tensor["buffer"];
  /** Their storage type. */
  readonly type: StorageType;
  /** Pages from the first on that hold tokens. */
  readonly used: number;
  /** The part of the middle that they are of, in any sequence. */
  readonly span: Span;
  /** How tokens are found in them. */
  readonly addressing: Readonly<Record<string, number>>;
}

/** Tokens of the middle from `first` on, before `end`; whole where the vectors of all of them lie there. */
interface Span {
  readonly first: number;
  readonly end: number;
  readonly whole: boolean;
}

/** What scores are made of: rows that vote, and vectors that they are multiplied with. */
export class ScoreSource {
  /** Rows, f32 [batch, rows, heads, head size]. */
  readonly rows: Tensor;
  /** Heads that vote. */
  readonly heads: number;
  /** The vectors, in one piece or more. */
  readonly pages: readonly ScoredPages[];
  /** Page of each sequence's tokens. */
  readonly table: Tensor;
  /** Start and length of each sequence's middle. */
  readonly parts: Tensor;
  readonly #owned: Tensor[] = [];

  /** Takes what the type of scores asks for: the cache's pages as they are for "qk", vectors made for this step otherwise. */
  constructor(step: AttentionStep, layer: number, queries: Tensor) {
    const { cache, method: { knobs: { scoring } } } = step.context;
    this.heads = votingHeads(scoring, cache.shape);
    // A scorer of one's own reads queries and keys as they are.
    if (scoring === "qk" || isOwnScoring(scoring)) {
      this.rows = queries;
      const slabs = step.once("slabs of the middle", () => middleSlabs(step));
      this.pages = slabs.map(({ slab, ...pages }) => {
        return { buffer: slab.keys[layer], type: cache.pool.keyType, ...pages };
      });
      this.table = cache.table;
      this.parts = step.selecting;
      return;
    }
    const rotates = scoring.endsWith("_pe");
    const rotation = rotates ? step.context.rotation.upTo(Math.max(...cache.lengths)) : undefined;
    this.rows = this.#own(votingRows(step, layer, queries, rotation));
    this.pages = [this.#middleVectors(step, layer, rotation)];
    const sequences = Uint32Array.from({ length: cache.batch }, (_, sequence) => sequence);
    this.table = this.#own(Tensor.from(step.device, sequences, [cache.batch, 1], "pages of scored vectors"));
    // The vectors start with the middle, so the middle starts at token 0 of them.
    const parts = step.layouts.flatMap(({ mode, leading, windowStart, frozen }) => [
      ...[0, 0, 0],
      mode === "select" && !frozen ? windowStart - leading : 0,
    ]);
    this.parts = this.#own(Tensor.from(step.device, Uint32Array.from(parts), [cache.batch, 4], "scored parts"));
  }

  /** Gives back what was made for the step. */
  [Symbol.dispose](): void {
    for (const tensor of this.#owned) tensor[Symbol.dispose]();
  }

  #own(tensor: Tensor): Tensor {
    this.#owned.push(tensor);
    return tensor;
  }

  #middleVectors(step: AttentionStep, layer: number, rotation: Tensor | undefined): ScoredPages {
    const { cache } = step.context;
    const { keyValueHeads, headSize } = cache.shape;
    const padded = 4 * headVectors(headSize);
    const count = step.middleLength;
    const shape = [cache.batch, keyValueHeads, count, padded];
    const target = this.#own(Tensor.empty(step.device, shape, "f32", "scored vectors"));
    const strides = { sequence: keyValueHeads * count * padded, head: count * padded, token: padded };
    writeVectors(step, layer, { target, count, newest: false, strides, rotation });
    const addressing = {
      batch: cache.batch,
      heads: keyValueHeads,
      page_tokens: count,
      table_stride: 1,
      slab_first: 0,
      slab_pages: cache.batch,
    };
    return {
      buffer: target.buffer,
      type: "f32",
      used: cache.batch,
      span: { first: 0, end: count, whole: true },
      addressing,
    };
  }
}

/** The slabs that hold any of the middle of a sequence that selects, and which part of it. */
function middleSlabs({ context: { cache }, layouts }: AttentionStep) {
  const { pageTokens } = cache.pool;
  const spans = new Map<Slab, Span>();
  for (const [index, { pages }] of cache.sequences.entries()) {
    const { mode, frozen, leading, windowStart } = layouts[index];
    if (mode !== "select" || frozen) continue;
    const firstPage = Math.floor(leading / pageTokens);
    const endPage = Math.ceil(windowStart / pageTokens);
    // By runs: there are thousands of pages, and few slabs.
    for (let page = firstPage, begun = firstPage; page < endPage; page++) {
      const slab = cache.pool.slabOf(pages[page]);
      if (page + 1 < endPage && cache.pool.slabOf(pages[page + 1]) === slab) continue;
      const first = Math.max(0, begun * pageTokens - leading);
      const end = Math.min(windowStart, (page + 1) * pageTokens) - leading;
      const other = spans.get(slab);
      const span = other ? { first: Math.min(other.first, first), end: Math.max(other.end, end) } : { first, end };
      spans.set(slab, { ...span, whole: !other && cache.batch === 1 });
      begun = page + 1;
    }
  }
  return [...spans].sort(([, a], [, b]) => a.first - b.first).map(([slab, span]) => {
    return { slab, used: cache.pagesUsed(slab), span, addressing: cache.addressing(slab) };
  });
}

/**
 * The rows that vote: the queries, rotated by their own positions where angles are given; the step's new keys or values in the
 * types "k" and "v". The caller disposes them.
 */
export function votingRows(step: AttentionStep, layer: number, queries: Tensor, rotation?: Tensor): Tensor {
  const { cache, method: { knobs: { scoring } } } = step.context;
  const { keyValueHeads, headSize } = cache.shape;
  if (rotation) return rotateQueries(step, queries, rotation);
  if (!newTokensVote(scoring)) return queries.share();
  const shape = [cache.batch, step.rows, keyValueHeads, headSize];
  const rows = Tensor.empty(step.device, shape, "f32", "voting rows");
  const strides = { sequence: step.rows * keyValueHeads * headSize, head: headSize, token: keyValueHeads * headSize };
  writeVectors(step, layer, { target: rows, count: step.rows, newest: true, strides });
  return rows;
}

interface VectorTarget {
  readonly target: Tensor;
  /** Tokens a sequence. */
  readonly count: number;
  /** Whether the newest tokens are wanted, as they are, or the middle. */
  readonly newest: boolean;
  readonly strides: { readonly sequence: number; readonly head: number; readonly token: number };
  readonly rotation?: Tensor;
}

function writeVectors(step: AttentionStep, layer: number, { target, count, newest, strides, rotation }: VectorTarget) {
  const { cache, method: { knobs: { scoring } } } = step.context;
  const { keyValueHeads, headSize } = cache.shape;
  const threads = cache.batch * keyValueHeads * count;
  // Where values lie elsewhere and none is read, the keys stand in for the binding.
  const keysOnly = cache.pool.host !== undefined && !scoresReadValues(scoring);
  for (const slab of cache.slabs()) {
    step.device.commands.dispatch({
      kernel: "score_vectors",
      ...readsStored({ keys: cache.pool.keyType, values: keysOnly ? cache.pool.keyType : cache.pool.valueType }),
      constants: { D4: headVectors(headSize) },
      params: {
        ...cache.addressing(slab),
        head_size: headSize,
        count,
        newest: Number(newest),
        take_values: Number(scoring === "v"),
        norm: scoring.startsWith("qkv2") ? 2 : Number(scoring.startsWith("qkv")),
        rotate: Number(rotation !== undefined),
        sequence_stride: strides.sequence,
        head_stride: strides.head,
        token_stride: strides.token,
      },
      bindings: [
        { buffer: slab.keys[layer] },
        { buffer: keysOnly ? slab.keys[layer] : slab.values[layer] },
        // Where nothing is rotated no angle is read; the layout stands in for the binding.
        ...[cache.table, step.selecting, rotation ?? step.selecting, target].map(({ buffer }) => ({ buffer })),
      ],
      groups: Math.ceil(threads / 64),
      work: 8 * threads * headSize,
    });
  }
}
