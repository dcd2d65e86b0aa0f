import * as z from "../../zod.ts";
import { showAs } from "../../notebook/mod.ts";
import type { Schema } from "./schema.ts";
import { isOwnScoring, type OwnScoring } from "../selection/own_scorer.ts";
import { type Scoring, scorings } from "./scoring.ts";
import { showKnobs } from "./show_knobs.ts";

/**
 * The knobs of ReAttention and its baselines. The reference implementation's names stand beside each.
 */
export interface Knobs {
  /** Leading tokens that are always attended to (global_size). Default 32. */
  globalSize: number;
  /** Trailing tokens that are always attended to, the step's own included (local_size). Default 4096. */
  window: number;
  /** Tokens picked per query and head (mid_size); 0 picks none: sinks and window only. Default 4. */
  k: number;
  /** Tokens taken around each picked one (span_size). Default 32. */
  spanSize: number;
  /** Most picked tokens kept, by votes; -1 keeps all (recall_clip). Default 127. */
  recallClip: number;
  /** Tokens of a prefill step (chunk_size). Default 512. */
  chunkSize: number;
  /**
   * What a token is scored by (recall_type). Default "qk", the plain dot product of query and key before rotation. A scorer of
   * one's own stands here by the name that `defineScorer` gave it.
   */
  scoring: Scoring | OwnScoring;
  /**
   * Queries that vote while decoding: the last so many of the layer, the current one included (q_cache_len). 0 and 1: the
   * current one. Without effect on the scores "k" and "v". Default 0.
   */
  queryCacheLength: number;
  /** Positions of the attended tokens: renumbered without holes, or their own (pe_original). Default "compact". */
  positions: "compact" | "original";
  /** Where selection is on (recall_option: default, prefill_only, generate_only, full_attn). Default "always". */
  recall: "always" | "prefill" | "generate" | "never";
  /**
   * Selects again only in every so many selecting steps: between, a layer attends to the tokens picked last and to all
   * tokens since its window's start then, so that none falls between them. A step of the other phase, one after tokens were
   * dropped, and an answer's first step always select. 1 selects in each step, as the paper does. Default 1.
   */
  recallEvery: number;
  /** How the context is read: "recall" selects in every chunk; "window", a variant of this toolkit, reads it with sinks and window only. */
  prefill: "recall" | "window";
  /** Who votes together: all heads of a layer, as in the paper, or each KV head's query heads on their own. Default "layer". */
  share: "layer" | "kvHead";
  /** Shortens the window so that the middle is a multiple of this (the reference: 128); 0 is the plain definition. Default 0. */
  align: number;
  /** Runs even where the attended scope passes the model's trained context; every row made so is marked. Default false. */
  allowBeyondTrained: boolean;
  /** What the chosen method has for knobs of its own; its file names them. Default: each method's defaults. */
  own?: Readonly<Record<string, unknown>>;
}

/** The paper's knobs: 32 + 127 x 32 + 4096 = 8192 attended tokens. */
export const paperKnobs: Readonly<Knobs> = Object.freeze({
  globalSize: 32,
  window: 4096,
  k: 4,
  spanSize: 32,
  recallClip: 127,
  chunkSize: 512,
  scoring: "qk",
  queryCacheLength: 0,
  positions: "compact",
  recall: "always",
  recallEvery: 1,
  prefill: "recall",
  share: "layer",
  align: 0,
  allowBeyondTrained: false,
});

/** Named sets of knobs: `paper` for models of 8k context, `demo` for the embedded model (32 + 7 x 32 + 256 = 512). */
export const presets: Readonly<Record<"paper" | "demo", Readonly<Knobs>>> = Object.freeze({
  paper: paperKnobs,
  demo: Object.freeze({
    ...paperKnobs,
    window: 256,
    recallClip: 7,
    chunkSize: 64,
  }),
});

const whole = (least: number, most = 2 ** 31 - 1) =>
  z.number({
    error: (issue) => `must be a whole number, not ${JSON.stringify(issue.input)}`,
  }).check(
    z.refine(Number.isInteger, { error: "must be a whole number", abort: true }),
    z.minimum(least, `must be at least ${least}`),
    z.maximum(most, `must be at most ${most}`),
  );

const choice = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, {
    error: (issue) => `must be ${values.map((value) => `"${value}"`).join(" or ")}, not ${JSON.stringify(issue.input)}`,
  });

const scoring = () =>
  z.custom<Scoring | OwnScoring>(
    (value) => scorings.includes(value as Scoring) || (typeof value === "string" && isOwnScoring(value)),
    {
      error: (issue) =>
        `must be ${scorings.map((value) => `"${value}"`).join(" or ")}, or what defineScorer gave, not ${
          JSON.stringify(issue.input)
        }`,
    },
  );

const schema: z.ZodMiniType<Knobs> = z.strictObject({
  globalSize: whole(0),
  window: whole(1),
  k: whole(0, 256),
  spanSize: whole(1),
  recallClip: whole(-1),
  chunkSize: whole(1),
  scoring: scoring(),
  queryCacheLength: whole(0),
  positions: choice("compact", "original"),
  recall: choice("always", "prefill", "generate", "never"),
  recallEvery: whole(1),
  prefill: choice("recall", "window"),
  share: choice("layer", "kvHead"),
  align: whole(0),
  allowBeyondTrained: z.boolean("must be true or false"),
  own: z.optional(z.record(z.string(), z.unknown())),
}).check(({ value: knobs, issues }) => {
  // Without a middle (k 0) the window is never shortened.
  const align = knobs.k > 0 ? knobs.align : 0;
  if (align > 0 && knobs.window <= align) {
    issues.push({
      code: "custom",
      input: knobs,
      path: ["window"],
      message: `${knobs.window} must be more than align (${align})`,
    });
  }
  const room = knobs.window - align;
  if (knobs.chunkSize > room) {
    const shortened = align ? ` less align (${align})` : "";
    issues.push({
      code: "custom",
      input: knobs,
      path: ["chunkSize"],
      message:
        `${knobs.chunkSize} must be at most the window (${knobs.window})${shortened}: the window holds the chunk itself`,
    });
  }
});

/** Checks knobs from outside: a complete set; unknown names are errors. */
export const knobsSchema: Schema<Knobs> = schema;

/**
 * Completes knobs from a preset and checks them.
 *
 * @param changes what differs from the preset
 * @param preset default: the paper's knobs
 * @throws {RangeError} naming each knob that is wrong, its value and what would be right.
 *
 * @example
 * ```ts
 * import { resolveKnobs } from "@reattention/toolkit/attention";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(resolveKnobs({ k: 8 }).k, 8);
 * assertThrows(() => resolveKnobs({ chunkSize: 8192 }), RangeError, "chunkSize");
 * ```
 */
export function resolveKnobs(
  changes: Partial<Knobs> = {},
  preset: Readonly<Knobs> = paperKnobs,
): Knobs {
  const given = Object.fromEntries(
    Object.entries(changes).filter(([, value]) => value !== undefined),
  );
  const parsed = schema.safeParse({ ...preset, ...given });
  if (parsed.success) return showAs(parsed.data, "knobs", () => showKnobs({ ...parsed.data }, { ...paperKnobs }));
  const lines = parsed.error.issues.map((issue) => {
    if (issue.code === "unrecognized_keys") {
      return `there is no knob ${issue.keys.join(", ")}; the knobs are ${Object.keys(paperKnobs).join(", ")}`;
    }
    const name = issue.path.join(".");
    const value = (given as Record<string, unknown>)[name];
    const shown = value === undefined || issue.message.includes(JSON.stringify(value))
      ? ""
      : ` ${JSON.stringify(value)}`;
    return `${name}${shown}: ${issue.message}`;
  });
  throw new RangeError(`knobs: ${lines.join("; ")}`);
}

/** Most tokens that a selection by `queries` queries, all heads counted, picks from a middle of so many tokens. */
export function mostPicked({ k, recallClip, spanSize }: Readonly<Knobs>, queries: number, middle: number): number {
  const candidates = Math.min(middle, queries * k);
  return Math.min(middle, (recallClip < 0 ? candidates : Math.min(candidates, recallClip)) * spanSize);
}

/** Tokens of the middle that the knobs leave room for; those of the paper where `recallClip` does not bound them. */
export function spanTokens({ recallClip, spanSize }: Readonly<Knobs>): number {
  return (recallClip < 0 ? paperKnobs.recallClip : recallClip) * spanSize;
}

/** Tokens by which the window grows, at most, before a layer selects again: `rows` in each step between. */
export function windowGrowth({ recallEvery }: Readonly<Knobs>, rows: number): number {
  return (recallEvery - 1) * rows;
}

/**
 * The most tokens a selecting step of `rows` rows can attend to: global + clip x span + window
 * (ALGORITHM section 8, attention scope) + what the window grows by between two selections (`recallEvery`).
 * `voters` are the query heads that vote together.
 *
 * @example
 * ```ts
 * import { paperKnobs, selectedScope } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * // 32 leading tokens, 127 spans of 32, and a window of 4096.
 * assertEquals(selectedScope(paperKnobs, 32, 512), 8192);
 * ```
 */
export function selectedScope(
  knobs: Knobs,
  voters: number,
  rows: number,
): number {
  const { globalSize, window } = knobs;
  return globalSize + mostPicked(knobs, voters * rows, Infinity) + window + windowGrowth(knobs, rows);
}
