import * as z from "../../zod.ts";
import type { Tensor } from "../../tensor/mod.ts";
import { attendOuter } from "../attend/attend.ts";
import { attendPicked, selectOnHost } from "../selection/block_selection.ts";
import { type Knobs, spanTokens } from "../knobs/knobs.ts";
import type { AttentionMethod, MethodName } from "../method.ts";
import { outerLayout } from "../attend/outer_layout.ts";
import { ownKnobs, wholeNumber } from "../knobs/own_knobs.ts";
import type { AttentionStep, StepLayout, StepShape } from "../step.ts";

/**
 * A control: spans of the middle drawn at random, anew in each step and layer, as many tokens as ReAttention may pick at most
 * (`recallClip x spanSize`). What a selecting method finds beyond this, its scores found.
 *
 * Own knob: `seed` (default 1); the same seed, length and layer give the same spans.
 *
 * @example
 * ```ts
 * import { createMethod, presets, RandomSpans, resolveKnobs } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const method = createMethod("random", resolveKnobs({ own: { seed: 7 } }, presets.demo), shape);
 * const step = { length: 100_000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertInstanceOf(method, RandomSpans);
 * assertEquals(method.scopeBound(step), 32 + 7 * 32 + 256); // as many tokens as ReAttention may pick
 * ```
 */
export class RandomSpans implements AttentionMethod {
  /** The name that tables and figures show. */
  readonly name: MethodName = "random";
  /** `globalSize`, `window`, `recallClip`, `spanSize`, `positions` and `chunkSize` matter here. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth = "every token stays; each step attends to a bounded number of them";
  readonly #seed: number;

  /** `knobs` are complete. */
  constructor(knobs: Readonly<Knobs>) {
    this.knobs = knobs;
    this.#seed = ownKnobs(this.name, { seed: z._default(wholeNumber(0), 1) }, knobs).seed;
  }

  /** Leading tokens, window, and a middle between them. */
  layout(step: StepShape): StepLayout {
    const layout = outerLayout(step, this.knobs);
    return layout.mode === "window" ? { ...layout, mode: "select" } : layout;
  }

  /** `globalSize + recallClip x spanSize + window`. */
  scopeBound({ length }: StepShape): number {
    return Math.min(length, this.knobs.globalSize + spanTokens(this.knobs) + this.knobs.window);
  }

  /** Attends in one layer. */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    if (step.middleLength === 0) return attendOuter(step, layer, queries);
    const spans = step.layouts.map(({ mode, leading, windowStart }, sequence) => {
      const middle = mode === "select" ? windowStart - leading : 0;
      return this.#draw(middle, [this.#seed, step.shapes[sequence].length, layer]);
    });
    return attendPicked(step, layer, queries, spanTokens(this.knobs), selectOnHost(step, spans));
  }

  /** Spans of a grid over the middle, none twice, rising. */
  #draw(middle: number, seeds: readonly number[]): [number, number][] {
    const { spanSize } = this.knobs;
    const places = Array.from({ length: Math.ceil(middle / spanSize) }, (_, place) => place);
    const count = Math.min(places.length, spanTokens(this.knobs) / spanSize);
    let state = seeds.reduce((hash, seed) => Math.imul(hash ^ seed, 0x9e3779b1) >>> 0, 0x811c9dc5);
    for (let place = 0; place < count; place++) {
      // A linear congruential generator (Numerical Recipes); its high bits pick one of those that are left.
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const other = place + Math.floor(state / 2 ** 32 * (places.length - place));
      [places[place], places[other]] = [places[other], places[place]];
    }
    const drawn = places.slice(0, count).sort((a, b) => a - b);
    return drawn.map((place) => [place * spanSize, Math.min(middle, (place + 1) * spanSize)]);
  }
}
