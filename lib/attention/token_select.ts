import type { Tensor } from "../tensor/mod.ts";
import { attentionMass } from "./attention_mass.ts";
import { attendOuter } from "./attend.ts";
import { attendPicked, MOST_BLOCKS, selectBlocks } from "./block_selection.ts";
import { type Knobs, spanTokens } from "./knobs.ts";
import type { AttentionMethod, MethodName } from "./method.ts";
import { outerLayout } from "./outer_layout.ts";
import { ownKnobs, wholeNumber } from "./own_knobs.ts";
import { runRelative } from "./relative.ts";
import { type AttendedTokens, type AttentionStep, disposeAttended, type StepLayout, type StepShape } from "./step.ts";
import { middleTokens } from "./middle_tokens.ts";

/**
 * TokenSelect (Wu et al. 2024, arXiv 2411.02886): each head's scores over the cached tokens become probabilities, which are
 * added over all heads (a soft vote, so that no head shouts the others down); the `tokens` best single tokens are attended
 * to, with leading tokens and window, renumbered without holes. Scores are products before rotation. Rows of a chunk add
 * their probabilities. The paper's cache of selections (its section 4.3) saves time and is left out.
 *
 * Own knob: `tokens` (default the selecting methods' scope, at most 256, where the paper takes 2,048). `globalSize` (the
 * paper's 128) and `window` (its 512) hold for the rest.
 */
export class TokenSelect implements AttentionMethod {
  /** The name that tables and figures show. */
  readonly name: MethodName = "token-select";
  /** `globalSize`, `window` and the method's own matter here. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth = "every token stays; each step attends to a bounded number of them";
  readonly #tokens: number;

  /** `knobs` are complete. */
  constructor(knobs: Readonly<Knobs>) {
    this.knobs = { ...knobs, positions: "compact" };
    const usual = Math.min(MOST_BLOCKS, Math.max(1, spanTokens(knobs)));
    this.#tokens = ownKnobs(this.name, { tokens: wholeNumber(1, MOST_BLOCKS).default(usual) }, knobs).tokens;
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

  /** Attends in one layer. */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    if (step.middleLength === 0) return attendOuter(step, layer, queries);
    const middle = middleTokens(step);
    using votes = this.#vote(step, layer, queries, middle);
    disposeAttended(middle);
    return attendPicked(step, layer, queries, this.#tokens, selectBlocks(step, votes, this.#tokens, 1));
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
