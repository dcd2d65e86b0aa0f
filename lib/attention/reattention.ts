import type { Tensor } from "../tensor/mod.ts";
import { attendOuter, attendOver } from "./attend.ts";
import { type Knobs, selectedScope } from "./knobs.ts";
import type { AttentionMethod, MethodName } from "./method.ts";
import { alignedWindowStart, outerLayout } from "./outer_layout.ts";
import { lastQueries, rememberQueries } from "./recent_queries.ts";
import { newTokensVote, votingHeads } from "./scoring.ts";
import { selectTokens } from "./select.ts";
import type { AttentionShape } from "./shape.ts";
import { type AttentionStep, disposeAttended, disposeSelection, type StepLayout, type StepShape } from "./step.ts";

/**
 * ReAttention (arXiv 2407.15176): each layer picks cached tokens by scores without positions, widens them to spans, and
 * attends over leading tokens, spans and window with contiguous positions.
 *
 * With `prefill: "window"` the context is read with sinks and window only, and tokens are selected from the question
 * on: a variant that the paper doesn't have, shown everywhere as `reattention-window`.
 */
export class ReAttention implements AttentionMethod {
  /** "reattention", or "reattention-window" with `prefill: "window"`. */
  readonly name: MethodName;
  /** Its knobs, complete. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth = "every token stays; each step attends to a bounded number of them";
  readonly #votingHeads: number;

  /** `shape` bounds how many tokens can be picked where `recallClip` does not. */
  constructor(knobs: Readonly<Knobs>, shape: AttentionShape) {
    this.knobs = knobs;
    this.name = knobs.prefill === "window" ? "reattention-window" : "reattention";
    const heads = votingHeads(knobs.scoring, shape);
    this.#votingHeads = knobs.share === "layer" ? heads : heads / shape.keyValueHeads;
  }

  /** Plain, window or selecting, by ALGORITHM section 3. */
  layout(step: StepShape): StepLayout {
    const { globalSize, window, k } = this.knobs;
    if (this.#readsWindowOnly(step)) return outerLayout(step, this.knobs);
    if (
      step.first || step.length <= globalSize + window || !this.#selectsIn(step)
    ) {
      return { mode: "full", leading: step.length, windowStart: step.length };
    }
    if (k === 0) return outerLayout(step, this.knobs);
    return {
      mode: "select",
      leading: globalSize,
      windowStart: alignedWindowStart(step.length, this.knobs),
    };
  }

  /** Global + clip x span + window in a selecting step; what the layout holds in any other. */
  scopeBound(step: StepShape): number {
    const { mode, leading, windowStart } = this.layout(step);
    const outer = leading + step.length - windowStart;
    if (mode !== "select") return outer;
    const rows = this.#recalls(step) ? this.knobs.queryCacheLength : step.rows;
    const picked = selectedScope(this.knobs, this.#votingHeads, rows) -
      this.knobs.globalSize - this.knobs.window;
    return outer + Math.min(windowStart - leading, picked);
  }

  /** Attends in one layer. */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    const { trace, cache } = step.context;
    const { queryCacheLength } = this.knobs;
    if (queryCacheLength > 1) rememberQueries(cache.sequences, layer, queries, queryCacheLength);
    if (step.middleLength === 0) return attendOuter(step, layer, queries);
    using voters = this.#voters(step, layer, queries);
    const { attended, selection } = selectTokens(step, layer, voters);
    const output = attendOver(step, layer, queries, attended);
    if (trace) {
      trace.recordSelection(step, layer, attended, selection);
    } else {
      disposeAttended(attended);
      disposeSelection(selection);
    }
    return output;
  }

  /** The step's queries and, while decoding with a query cache, those before them. */
  #voters(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    if (!this.#recalls(step.shapes[0])) return queries.share();
    const votes = step.layouts.map(({ mode }) => mode === "select");
    return lastQueries(step.context.cache.sequences, layer, this.knobs.queryCacheLength, votes);
  }

  /** Whether earlier queries vote too. */
  #recalls({ phase }: StepShape): boolean {
    const { queryCacheLength, scoring } = this.knobs;
    return queryCacheLength > 1 && phase === "decode" && !newTokensVote(scoring);
  }

  #readsWindowOnly({ length, rows, phase, questionStart }: StepShape): boolean {
    if (this.knobs.prefill !== "window") return false;
    if (questionStart === undefined) return phase === "prefill";
    return length - rows < questionStart;
  }

  #selectsIn({ phase }: StepShape): boolean {
    const { recall } = this.knobs;
    return recall === "always" ||
      (recall === "prefill" && phase === "prefill") ||
      (recall === "generate" && phase === "decode");
  }
}
