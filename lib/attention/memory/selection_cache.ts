import * as z from "../../zod.ts";
import { concat, Tensor } from "../../tensor/mod.ts";
import { type LayerPicks, sharePicks } from "./held_selection.ts";
import type { LayerMemory } from "./layer_memory.ts";
import { factsOf, savedCount, type SavedState } from "./saved_state.ts";

/** Selections that can be undone: answers run ahead by fewer steps. */
const MOST_VERSIONS = 72;

/** A layer's selection for one sequence, and what asked for it. */
export interface CachedSelection {
  /** Mean of the selecting step's queries, all heads in a row. */
  readonly query: Float64Array;
  /** Tokens cached after that step. */
  readonly end: number;
  /** What was picked. */
  readonly picks: LayerPicks;
}

const savedSelections = z.object({
  kind: z.literal("selections"),
  versions: z.array(z.object({ query: z.array(z.number()), end: savedCount })),
});

/**
 * The selections that a layer has made for a sequence, for steps whose queries resemble those of the last one. Earlier ones stay
 * for a while, so that tokens can be dropped again.
 */
export class SelectionCache implements LayerMemory {
  #versions: CachedSelection[] = [];

  /** Bytes of the last selection and its query. */
  get bytes(): number {
    const { latest } = this;
    if (!latest) return 0;
    const { marks, centers, centerCounts } = latest.picks;
    return 4 * latest.query.length + marks.bytes + centers.bytes + centerCounts.bytes;
  }

  /** The last selection; undefined where there is none. */
  get latest(): CachedSelection | undefined {
    return this.#versions.at(-1);
  }

  /** Keeps a selection; takes its picks over. */
  push(selection: CachedSelection): void {
    this.#versions.push(selection);
    if (this.#versions.length > MOST_VERSIONS) dispose(this.#versions.shift()!);
  }

  /** The same selections, going their own way. */
  fork(): SelectionCache {
    const fork = new SelectionCache();
    fork.#versions = this.#versions.map(({ picks, ...rest }) => ({ ...rest, picks: sharePicks(picks) }));
    return fork;
  }

  /** Forgets selections of steps after token `length`. */
  truncate(length: number): void {
    while (this.latest && this.latest.end > length) dispose(this.#versions.pop()!);
  }

  /** What it holds, for a file. */
  save(): SavedState {
    const versions = this.#versions.map(({ query, end }) => ({ query: [...query], end }));
    const facts: z.infer<typeof savedSelections> = { kind: "selections", versions };
    const tensors = this.#versions.flatMap(({ picks }) => {
      const { marks, centers, centerCounts } = sharePicks(picks);
      return [marks, centers, centerCounts];
    });
    return { facts, tensors };
  }

  /** The selections that were saved; takes the state over. */
  static restore({ facts, tensors }: SavedState): SelectionCache {
    const { versions } = factsOf("saved selections", facts, savedSelections);
    const cache = new SelectionCache();
    cache.#versions = versions.map(({ query, end }, index) => {
      const [marks, centers, centerCounts] = tensors.slice(3 * index);
      return { query: Float64Array.from(query), end, picks: { marks, centers, centerCounts } };
    });
    return cache;
  }

  /** Gives the buffers back. */
  [Symbol.dispose](): void {
    for (const version of this.#versions.splice(0)) dispose(version);
  }
}

/** Cosine of the angle between two vectors; 0 where one of them is nothing. */
export function cosine(a: Float64Array, b: Float64Array): number {
  let [product, ofA, ofB] = [0, 0, 0];
  for (const [index, value] of a.entries()) {
    product += value * b[index];
    ofA += value * value;
    ofB += b[index] * b[index];
  }
  return ofA === 0 || ofB === 0 ? 0 : product / Math.sqrt(ofA * ofB);
}

/** Means over the rows of f32 [batch, rows, heads, size], one vector of heads x size for each sequence. */
export function meanQueries(data: ArrayLike<number>, [batch, rows, heads, size]: readonly number[]): Float64Array[] {
  const width = heads * size;
  return Array.from({ length: batch }, (_, sequence) => {
    const mean = new Float64Array(width);
    for (let row = 0; row < rows; row++) {
      const start = (sequence * rows + row) * width;
      for (let index = 0; index < width; index++) mean[index] += data[start + index] / rows;
    }
    return mean;
  });
}

/** Marks u32 [1, selections, words] with unmarked words after them, since the middle has grown; the caller disposes it. */
export function widenMarks(marks: Tensor, words: number): Tensor {
  const [, selections, has] = marks.shape;
  if (has >= words) return marks.share();
  using rest = Tensor.zeros(marks.device, [1, selections, words - has], "u32", "no marks");
  return concat([marks, rest], 2);
}

function dispose({ picks: { marks, centers, centerCounts } }: CachedSelection): void {
  for (const tensor of [marks, centers, centerCounts]) tensor[Symbol.dispose]();
}
