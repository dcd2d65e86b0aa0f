import * as z from "../../zod.ts";
import type { Tensor } from "../../tensor/mod.ts";
import { attendOuter } from "../attend/attend.ts";
import { attendPicked, selectOnHost } from "../selection/block_selection.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { AttentionMethod, MethodName } from "../method.ts";
import { outerLayout } from "../attend/outer_layout.ts";
import { ownKnobs } from "../knobs/own_knobs.ts";
import type { AttentionStep, StepLayout, StepShape } from "../step.ts";

/** Tokens from the first up to, not including, the second. */
export type SpanPair = readonly [first: number, end: number];

/**
 * A control: attends to leading tokens, window and the spans that it is told, such as a needle's. What it misses, no choice
 * of tokens would have mended.
 *
 * Own knob: `spans`, pairs of a first token and an end (default none); `attendTo` tells it others later.
 *
 * @example
 * ```ts
 * import { OracleSpans, presets } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * const method = new OracleSpans(presets.demo);
 * const step = { length: 100_000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertEquals(method.scopeBound(step), 32 + 256);
 * method.attendTo([[5000, 5010]]); // where the needle lies
 * assertEquals(method.scopeBound(step), 32 + 10 + 256);
 * ```
 */
export class OracleSpans implements AttentionMethod {
  /** The name that tables and figures show. */
  readonly name: MethodName = "oracle";
  /** `globalSize`, `window`, `positions` and `chunkSize` matter here. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth = "every token stays; each step attends to the spans that it was told";
  #spans: readonly SpanPair[];

  /** `knobs` are complete. */
  constructor(knobs: Readonly<Knobs>) {
    this.knobs = knobs;
    const whole = z.int().check(z.minimum(0));
    this.#spans = ownKnobs(this.name, { spans: z._default(z.array(z.tuple([whole, whole])), []) }, knobs).spans;
  }

  /** Spans that steps from now on attend to, of all sessions with this method; parts outside the middle change nothing. */
  attendTo(spans: readonly SpanPair[]): void {
    this.#spans = spans;
  }

  /** Leading tokens, window, and a middle between them. */
  layout(step: StepShape): StepLayout {
    const layout = outerLayout(step, this.knobs);
    return layout.mode === "window" ? { ...layout, mode: "select" } : layout;
  }

  /** `globalSize`, the spans and `window`. */
  scopeBound({ length }: StepShape): number {
    return Math.min(length, this.knobs.globalSize + this.#tokens + this.knobs.window);
  }

  /** Attends in one layer. */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    if (step.middleLength === 0) return attendOuter(step, layer, queries);
    const spans = step.layouts.map(({ mode, leading, windowStart }) =>
      mode !== "select" ? [] : this.#spans
        .map(([first, end]) => [Math.max(first, leading) - leading, Math.min(end, windowStart) - leading] as const)
        .filter(([first, end]) => end > first)
    );
    return attendPicked(step, layer, queries, this.#tokens, selectOnHost(step, spans));
  }

  get #tokens(): number {
    return this.#spans.reduce((sum, [first, end]) => sum + Math.max(0, end - first), 0);
  }
}
