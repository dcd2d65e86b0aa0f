import type { Tensor } from "../../tensor/mod.ts";
import { attendOuter, attendOver } from "../attend/attend.ts";
import { listAttended } from "../attend/list_attended.ts";
import { splits } from "../attend/decode_way.ts";
import { goneOn, HeldSelection, joinMarks, picksOf } from "../memory/held_selection.ts";
import { type Knobs, mostPicked, windowGrowth } from "../knobs/knobs.ts";
import { type AttentionMethod, type MethodName, stepKnobs } from "../method.ts";
import { picksAtOnce, pickTokens } from "../selection/pick_tokens.ts";
import { alignedWindowStart, outerLayout } from "../attend/outer_layout.ts";
import { ownScorerReadsValues, scoresOnHost } from "../selection/own_scorer.ts";
import { lastQueries, rememberQueries } from "../memory/recent_queries.ts";
import { newTokensVote, scoresReadValues, votingHeads } from "../knobs/scoring.ts";
import { prepareOwnScores } from "../selection/score_by_own.ts";
import { selectTokens } from "../selection/select.ts";
import type { AttentionShape } from "../shape.ts";
import {
  type AttendedTokens,
  type AttentionStep,
  disposeAttended,
  disposeSelection,
  type Selection,
  type StepLayout,
  type StepShape,
} from "../step.ts";

/**
 * ReAttention (arXiv 2407.15176): each layer picks cached tokens by scores without positions, widens them to spans, and
 * attends over leading tokens, spans and window with contiguous positions.
 *
 * With `prefill: "window"` the context is read with sinks and window only, and tokens are selected from the question
 * on: a variant that the paper doesn't have, shown everywhere as `reattention-window`.
 *
 * @example
 * ```ts
 * import { createMethod, presets, ReAttention } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const method = createMethod("reattention", presets.demo, shape);
 * const step = { length: 100_000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertInstanceOf(method, ReAttention);
 * assertEquals(method.scopeBound(step), 32 + 7 * 32 + 256); // leading tokens, spans, window
 * assertEquals(method.layout(step).windowStart, 100_000 - 256);
 * ```
 */
export class ReAttention implements AttentionMethod {
  /** "reattention", or "reattention-window" with `prefill: "window"`. */
  readonly name: MethodName;
  /** Its knobs, complete. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth = "every token stays; each step attends to a bounded number of them";
  /** The types of scores that take values into account. */
  readonly readsValuesFor?: string;
  /** Its scores: of every token of the middle, whatever their type. */
  readonly readsKeysFor: string;
  readonly #votingHeads: number;

  /** `shape` bounds how many tokens can be picked where `recallClip` does not. */
  constructor(knobs: Readonly<Knobs>, shape: AttentionShape) {
    this.knobs = knobs;
    this.name = knobs.prefill === "window" ? "reattention-window" : "reattention";
    const { scoring } = knobs;
    const scores = `scores of the type "${scoring}"`;
    this.readsKeysFor = scores;
    if (scoresReadValues(scoring) || ownScorerReadsValues(scoring)) this.readsValuesFor = scores;
    const heads = votingHeads(knobs.scoring, shape);
    this.#votingHeads = knobs.share === "layer" ? heads : heads / shape.keyValueHeads;
  }

  /** Plain, window or selecting, by ALGORITHM section 3; or going on with what was selected before. */
  layout(step: StepShape): StepLayout {
    const { globalSize, window, k } = this.knobs;
    if (this.#readsWindowOnly(step)) return outerLayout(step, this.knobs);
    if (
      step.first || step.length <= globalSize + window || !this.#selectsIn(step)
    ) {
      return { mode: "full", leading: step.length, windowStart: step.length };
    }
    if (k === 0) return outerLayout(step, this.knobs);
    if (this.#goesOn(step)) {
      return { mode: "select", leading: globalSize, windowStart: step.held!.windowStart, frozen: true };
    }
    return {
      mode: "select",
      leading: globalSize,
      windowStart: alignedWindowStart(step.length, this.knobs),
    };
  }

  /**
   * Global + clip x span + window in a selecting step, and the tokens by which the window grows before it selects again;
   * what the layout holds in any other.
   */
  scopeBound(step: StepShape): number {
    const { mode, leading, windowStart, frozen } = this.layout(step);
    const outer = leading + step.length - windowStart;
    if (mode !== "select") return outer;
    if (frozen) return outer + step.held!.picked;
    return outer + this.#mostPicked(step, windowStart - leading) + windowGrowth(this.knobs, step.rows);
  }

  /** Scores on the host where the knob `scoring` names a scorer in TypeScript. */
  async prepare(step: AttentionStep, layer: number, queries: Tensor): Promise<void> {
    const selects = step.layouts.some(({ mode, frozen }) => mode === "select" && !frozen);
    if (!selects || !scoresOnHost(this.knobs.scoring)) return;
    const { queryCacheLength } = this.knobs;
    // Remembered once more when the layer attends: the same tokens' queries are then replaced.
    if (queryCacheLength > 1) rememberQueries(step.context.cache.sequences, layer, queries, queryCacheLength);
    using voters = this.#voters(step, layer, queries);
    await prepareOwnScores(step, layer, voters);
  }

  /** The middle's keys, where the step selects anew. */
  scoredKeys(step: StepShape): number {
    const { mode, leading, windowStart, frozen } = this.layout(step);
    return mode === "select" && !frozen ? windowStart - leading : 0;
  }

  /** Without selection in the context, what is selected later and how has no part in reading it. */
  prefillKey(): string {
    const { prefill, recall, positions, queryCacheLength } = this.knobs;
    const windowOnly = prefill === "window";
    if (!windowOnly && (recall === "always" || recall === "prefill")) return JSON.stringify([this.name, this.knobs]);
    // A query cache takes down what the context asked.
    const kept = { queryCacheLength: Math.max(1, queryCacheLength), ...(windowOnly && { positions }) };
    return JSON.stringify([this.name, windowOnly ? "window" : "full", { ...stepKnobs(this.knobs), ...kept }]);
  }

  /** Where no sequence selects and no query cache takes the queries down. */
  onlyAttends(step: AttentionStep): boolean {
    return this.knobs.queryCacheLength <= 1 && step.layouts.every(({ mode }) => mode !== "select");
  }

  /** Attends in one layer. */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    const { trace, cache } = step.context;
    const { queryCacheLength } = this.knobs;
    if (queryCacheLength > 1) rememberQueries(cache.sequences, layer, queries, queryCacheLength);
    if (step.layouts.every(({ mode }) => mode !== "select")) return attendOuter(step, layer, queries);
    if (!trace && this.knobs.recallEvery === 1) {
      using voters = this.#voters(step, layer, queries);
      if (picksAtOnce(step, voters.shape[1])) {
        const picked = pickTokens(step, layer, voters, this.#bound(step));
        const output = attendOver(step, layer, queries, picked);
        disposeAttended(picked);
        return output;
      }
    }
    const again = this.#listAgain(step, layer);
    if (again) {
      const output = attendOver(step, layer, queries, again);
      disposeAttended(again);
      return output;
    }
    const selection = this.#select(step, layer, queries);
    const attended = this.#list(step, selection);
    const output = attendOver(step, layer, queries, attended);
    if (trace) {
      trace.recordSelection(step, layer, attended, selection);
    } else {
      if (this.#keepsLists(step)) cache.sequences[0].held!.lists.keep(layer, attended, step.shapes[0].length);
      disposeAttended(attended);
      disposeSelection(selection);
    }
    return output;
  }

  /** The list of an earlier step, where this one goes on with it. */
  #listAgain(step: AttentionStep, layer: number): AttendedTokens | undefined {
    const [{ length, held: before }] = step.shapes;
    if (!step.layouts[0].frozen || !this.#keepsLists(step)) return;
    const held = step.context.cache.sequences[0].held!;
    const list = held.lists.at(layer, length);
    if (!list) return;
    held.shape = goneOn(before!, length);
    step.once("scope of held lists", () => held.lists.raise(step.context.scope, length));
    return list;
  }

  /** Lists are kept of one sequence, where nothing looks at them and attention takes the tokens since from behind them. */
  #keepsLists(step: AttentionStep): boolean {
    const { cache, trace, watch } = step.context;
    return this.knobs.recallEvery > 1 && cache.batch === 1 && !trace && !watch && splits(step);
  }

  /** Selects anew for the sequences whose turn it is; others go on with what they hold. */
  #select(step: AttentionStep, layer: number, queries: Tensor): Selection {
    if (this.knobs.recallEvery === 1) return this.#selectAnew(step, layer, queries);
    const fresh = step.middleLength > 0 ? this.#selectAnew(step, layer, queries) : undefined;
    const { sequences } = step.context.cache;
    step.layouts.forEach(({ mode, frozen, windowStart, leading }, index) => {
      if (mode !== "select") return;
      const { length: end, phase, held: before } = step.shapes[index];
      const sequence = sequences[index];
      if (frozen) {
        sequence.held!.shape = goneOn(before!, end);
        return;
      }
      if (layer === 0 || !sequence.held) {
        const picked = this.#mostPicked(step.shapes[index], windowStart - leading);
        sequence.hold(new HeldSelection({ phase, windowStart, picked, end, age: 0 }));
      }
      sequence.held!.hold(layer, picksOf(fresh!, index));
    });
    const marks = joinMarks(step.layouts.map(({ mode }, index) => {
      return mode === "select" ? sequences[index].held!.picks(layer).marks : undefined;
    }));
    if (fresh && !step.layouts[0].frozen) {
      fresh.marks[Symbol.dispose]();
      return { ...fresh, marks };
    }
    if (fresh) disposeSelection(fresh);
    // A trace follows the first sequence, which has nothing to tell where it does not select.
    const first = sequences[step.layouts.findIndex(({ mode }) => mode === "select")].held!.picks(layer);
    return { marks, centers: first.centers.share(), centerCounts: first.centerCounts.share() };
  }

  #selectAnew(step: AttentionStep, layer: number, queries: Tensor): Selection {
    using voters = this.#voters(step, layer, queries);
    return selectTokens(step, layer, voters);
  }

  #list(step: AttentionStep, { marks }: Selection): AttendedTokens {
    return listAttended(step, marks.shape[1], this.#bound(step), marks);
  }

  /** Most tokens that a list can hold. */
  #bound(step: AttentionStep): number {
    const picked = step.layouts.map(({ mode, frozen, windowStart, leading }, index) => {
      if (mode !== "select") return 0;
      const shape = step.shapes[index];
      return frozen ? shape.held!.picked : this.#mostPicked(shape, windowStart - leading);
    });
    return step.outerLength + Math.max(...picked);
  }

  #mostPicked(step: StepShape, middle: number): number {
    const rows = this.#recalls(step) ? this.knobs.queryCacheLength : step.rows;
    return mostPicked(this.knobs, this.#votingHeads * rows, middle);
  }

  /** Whether the step attends to what the one before it did, and to all tokens since. */
  #goesOn({ held, length, rows, phase }: StepShape): boolean {
    return held !== undefined && held.phase === phase && held.end === length - rows &&
      held.age + 1 < this.knobs.recallEvery;
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
