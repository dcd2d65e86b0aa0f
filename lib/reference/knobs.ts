/** What a cached token is scored by (recall_type): by query and key, by keys weighted by their values' norms, and so on. */
export type ReferenceScoring = "qk" | "qkv" | "qkv2" | "k" | "v" | "qk_pe" | "qkv_pe" | "qkv2_pe";

/** The knobs of ReAttention and its variants, for one layer. The published implementation's names stand beside each. */
export interface ReferenceKnobs {
  /** Leading tokens always attended to (global_size). Default 32. */
  readonly globalSize: number;
  /** Trailing tokens always attended to, the step's own included (local_size). Default 4096. */
  readonly window: number;
  /** Tokens picked per query and head (mid_size); 0 picks none: sinks and window only. Default 4. */
  readonly k: number;
  /** Tokens taken around each picked one (span_size). Default 32. */
  readonly spanSize: number;
  /** Most picked tokens kept, by votes; below 0 keeps all (recall_clip). Default 127. */
  readonly recallClip: number;
  /** Tokens of a prefill step (chunk_size). Default 512. */
  readonly chunkSize: number;
  /** What a token is scored by (recall_type). Default "qk". */
  readonly scoring: ReferenceScoring;
  /** Where selection is on (recall_option: default, prefill_only, generate_only, full_attn). Default "always". */
  readonly recall: "always" | "prefill" | "generate" | "never";
  /**
   * Selects again only in every so many selecting steps; between, the picked tokens and the window's start stay as they
   * were. A step of the other phase, or one that does not follow a selecting one, always selects. Default 1.
   */
  readonly recallEvery: number;
  /** Positions of attended tokens: renumbered without holes, or their own (pe_original). Default "compact". */
  readonly positions: "compact" | "original";
  /** Past queries that vote in a decode step, the current one included; 0 and 1 mean that one alone (q_cache_len). Default 0. */
  readonly queryCacheLength: number;
  /** The middle's length is a multiple of this, the window is shortened for it; 0 is the plain definition. Default 0. */
  readonly align: number;
  /** "window": tokens before the question attend to sinks and window only; not in the paper. Default "recall". */
  readonly prefill: "recall" | "window";
  /** Who votes together: all heads, as in the paper, or each KV head's query heads on their own. Default "layer". */
  readonly share: "layer" | "kvHead";
}

const scorings: readonly string[] = ["qk", "qkv", "qkv2", "k", "v", "qk_pe", "qkv_pe", "qkv2_pe"];

const paper: ReferenceKnobs = {
  globalSize: 32,
  window: 4096,
  k: 4,
  spanSize: 32,
  recallClip: 127,
  chunkSize: 512,
  scoring: "qk",
  recall: "always",
  recallEvery: 1,
  positions: "compact",
  queryCacheLength: 0,
  align: 0,
  prefill: "recall",
  share: "layer",
};

/**
 * Completes knobs with the paper's and checks them.
 *
 * @param changes what differs from the paper's knobs
 * @returns all knobs
 * @throws {RangeError} if a size is no whole number in its range, there is no such scoring, the window is not longer than `align`, or a chunk does
 * not fit the shortened window (ALGORITHM section 4), naming the knob and its value.
 *
 * @example
 * ```ts
 * import { completeKnobs } from "@reattention/toolkit/reference";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(completeKnobs({ k: 8 }).globalSize, 32);
 * assertThrows(() => completeKnobs({ window: 100 }), RangeError, "chunkSize 512");
 * ```
 */
export function completeKnobs(
  changes: Partial<Omit<ReferenceKnobs, "scoring">> & { readonly scoring?: string } = {},
): ReferenceKnobs {
  const { scoring = paper.scoring } = changes;
  if (!scorings.includes(scoring)) {
    throw new RangeError(`knobs: scoring "${scoring}" must be one of ${scorings.join(", ")}`);
  }
  const knobs: ReferenceKnobs = { ...paper, ...changes, scoring: scoring as ReferenceScoring };
  checkWhole(knobs);
  // Without a middle the window is never shortened.
  const shortening = knobs.k > 0 ? knobs.align : 0;
  if (shortening > 0 && knobs.window <= shortening) {
    throw new RangeError(`knobs: window ${knobs.window} must be more than align (${shortening})`);
  }
  if (knobs.chunkSize > knobs.window - shortening) {
    throw new RangeError(
      `knobs: chunkSize ${knobs.chunkSize} must be at most window less align (${knobs.window} - ${shortening}): ` +
        "the window holds the chunk itself",
    );
  }
  return knobs;
}

function checkWhole(knobs: ReferenceKnobs): void {
  const least = {
    globalSize: 0,
    window: 1,
    k: 0,
    spanSize: 1,
    recallClip: -Infinity,
    chunkSize: 1,
    queryCacheLength: 0,
    align: 0,
    recallEvery: 1,
  };
  for (const [name, bound] of Object.entries(least)) {
    const value = knobs[name as keyof typeof least];
    if (Number.isInteger(value) && value >= bound) continue;
    const range = bound > -Infinity ? ` of at least ${bound}` : "";
    throw new RangeError(`knobs: ${name} ${value} must be a whole number${range}`);
  }
}
