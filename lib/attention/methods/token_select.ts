import * as z from "../../zod.ts";
import type { Tensor } from "../../tensor/mod.ts";
import { attentionMass } from "../attend/attention_mass.ts";
import { attendOuter } from "../attend/attend.ts";
import { attendPicked, MOST_BLOCKS, selectBlocks } from "../selection/block_selection.ts";
import { type Knobs, spanTokens } from "../knobs/knobs.ts";
import type { AttentionMethod, MethodName } from "../method.ts";
import { outerLayout } from "../attend/outer_layout.ts";
import { numberFrom, ownKnobs, wholeNumber } from "../knobs/own_knobs.ts";
import { runRelative } from "../attend/relative.ts";
import {
  type AttendedTokens,
  type AttentionStep,
  disposeAttended,
  disposeSelection,
  type StepLayout,
  type StepShape,
} from "../step.ts";
import { middleTokens } from "../selection/middle_tokens.ts";
import { joinMarks, picksOf } from "../memory/held_selection.ts";
import { cosine, meanQueries, SelectionCache, widenMarks } from "../memory/selection_cache.ts";
import type { Selection } from "../step.ts";

/** What a sequence's step asks in a layer. */
interface Asked {
  /** Mean of its queries. */
  readonly query: Float64Array;
  /** Whether it goes on with the last selection, or selects nothing. */
  readonly reuses: boolean;
}

/**
 * TokenSelect (Wu et al. 2024, arXiv 2411.02886): each head's scores over the cached tokens become probabilities, which are
 * added over all heads (a soft vote, so that no head shouts the others down); the `tokens` best single tokens are attended
 * to, with leading tokens and window, renumbered without holes. Scores are products before rotation. Rows of a chunk add
 * their probabilities.
 *
 * Selections are reused (the paper's selection cache, section 4.3): a layer whose step's mean query, all heads in a row, has a
 * cosine of at least `similarity` to that of its last selection goes on with what was picked then, and scores nothing. The
 * host decides, so each layer reads its queries back; with a `similarity` above 1 it doesn't, and every step selects.
 *
 * Own knobs: `tokens` (default the selecting methods' scope, at most 256, where the paper takes 2,048) and `similarity` (the
 * paper's 0.9). `globalSize` (the paper's 128) and `window` (its 512) hold for the rest.
 *
 * @example
 * ```ts
 * import { createMethod, presets, resolveKnobs, TokenSelect } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const knobs = resolveKnobs({ own: { tokens: 100 } }, presets.demo);
 * const method = createMethod("token-select", knobs, shape);
 * const step = { length: 100_000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertInstanceOf(method, TokenSelect);
 * assertEquals(method.scopeBound(step), 32 + 100 + 256);
 * ```
 */
export class TokenSelect implements AttentionMethod {
  /** The name that tables and figures show. */
  readonly name: MethodName = "token-select";
  /** `globalSize`, `window` and the method's own matter here. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth = "every token stays; each step attends to a bounded number of them";
  /** Each step that does not go on with the last selection scores them all. */
  readonly readsKeysFor = "the probabilities that they vote with";
  readonly #tokens: number;
  readonly #similarity: number;
  /** By step and layer: each sequence's mean query, and whether it goes on with its last selection. */
  readonly #prepared = new WeakMap<AttentionStep, Map<number, Asked[]>>();

  /** `knobs` are complete. */
  constructor(knobs: Readonly<Knobs>) {
    this.knobs = { ...knobs, positions: "compact" };
    const usual = Math.min(MOST_BLOCKS, Math.max(1, spanTokens(knobs)));
    const own = { tokens: z._default(wholeNumber(1, MOST_BLOCKS), usual), similarity: z._default(numberFrom(-1), 0.9) };
    const { tokens, similarity } = ownKnobs(this.name, own, knobs);
    this.#tokens = tokens;
    this.#similarity = similarity;
  }

  /** Leading tokens, window, and a middle between them. */
  layout(step: StepShape): StepLayout {
    const layout = outerLayout(step, this.knobs);
    return layout.mode === "window" ? { ...layout, mode: "select" } : layout;
  }

  /** `globalSize + tokens + window`. */
  scopeBound({ length }: StepShape): number {
    return Math.min(length, this.knobs.globalSize + this.#tokens + this.knobs.window);
  }

  /** The middle's keys. */
  scoredKeys(step: StepShape): number {
    const { mode, leading, windowStart } = this.layout(step);
    return mode === "select" ? windowStart - leading : 0;
  }

  /** Compares the step's queries with those of the layer's last selection. */
  async prepare(step: AttentionStep, layer: number, queries: Tensor): Promise<void> {
    if (step.middleLength === 0 || this.#similarity > 1) return;
    const means = meanQueries(await queries.read() as Float32Array, queries.shape);
    const asked = means.map((query, index): Asked => {
      if (step.layouts[index].mode !== "select") return { query, reuses: true };
      const { latest } = cacheOf(step, layer, index);
      return { query, reuses: latest !== undefined && cosine(latest.query, query) >= this.#similarity };
    });
    const layers = this.#prepared.get(step) ?? new Map<number, Asked[]>();
    this.#prepared.set(step, layers.set(layer, asked));
  }

  /** Attends in one layer. */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    if (step.middleLength === 0) return attendOuter(step, layer, queries);
    return attendPicked(step, layer, queries, this.#tokens, this.#select(step, layer, queries));
  }

  /** Each sequence's last selection where its queries are like those that made it, otherwise a new one. */
  #select(step: AttentionStep, layer: number, queries: Tensor): Selection {
    const asked = this.#prepared.get(step)?.get(layer);
    if (!asked) {
      if (this.#similarity <= 1) throw new Error("token-select: await the method's prepare before its attend");
      return this.#selectAnew(step, layer, queries);
    }
    const fresh = asked.some(({ reuses }) => !reuses) ? this.#selectAnew(step, layer, queries) : undefined;
    asked.forEach(({ query, reuses }, index) => {
      if (reuses) return;
      cacheOf(step, layer, index).push({ query, end: step.shapes[index].length, picks: picksOf(fresh!, index) });
    });
    if (fresh) disposeSelection(fresh);
    const words = Math.ceil(step.middleLength / 32);
    const picks = step.layouts.map(({ mode }, index) => {
      return mode === "select" ? cacheOf(step, layer, index).latest!.picks : undefined;
    });
    const marks = picks.map((own) => own && widenMarks(own.marks, words));
    const joined = joinMarks(marks);
    for (const own of marks) own?.[Symbol.dispose]();
    // A trace follows the first sequence, which has nothing to tell where it does not select.
    const { centers, centerCounts } = picks.find((own) => own !== undefined)!;
    return { marks: joined, centers: centers.share(), centerCounts: centerCounts.share() };
  }

  #selectAnew(step: AttentionStep, layer: number, queries: Tensor): Selection {
    const middle = middleTokens(step);
    using votes = this.#vote(step, layer, queries, middle);
    disposeAttended(middle);
    return selectBlocks(step, votes, this.#tokens, 1);
  }

  /** Probabilities of the middle's tokens, f32 [batch, 1, middle]. */
  #vote(step: AttentionStep, layer: number, queries: Tensor, middle: AttendedTokens): Tensor {
    const options = { relative: { rule: "capped", near: Infinity }, causal: false } as const;
    const { output, sums, keys } = runRelative(step, layer, queries, middle, options);
    const votes = attentionMass(step, { queries, attended: middle, keys, sums, options });
    for (const tensor of [output, sums, keys]) tensor[Symbol.dispose]();
    return votes;
  }
}

function cacheOf(step: AttentionStep, layer: number, sequence: number): SelectionCache {
  return step.context.cache.sequences[sequence].memory(layer, () => new SelectionCache());
}
