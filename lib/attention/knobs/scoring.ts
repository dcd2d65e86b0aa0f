import type { OwnScoring } from "../selection/own_scorer.ts";

/**
 * What a token is scored by (the reference's recall_type): the dot product of query and key ("qk"), of query and key times
 * the L1 or L2 norm of the token's value ("qkv", "qkv2"), of the step's new keys and the key ("k"), or of the step's new
 * values and the value ("v"); all without positions. The "_pe" types rotate query and key by their own positions.
 */
export type Scoring = "qk" | "qkv" | "qkv2" | "k" | "v" | "qk_pe" | "qkv_pe" | "qkv2_pe";

/** All types of scores. */
export const scorings: readonly Scoring[] = ["qk", "qkv", "qkv2", "k", "v", "qk_pe", "qkv_pe", "qkv2_pe"];

/** Whether the step's own keys or values vote instead of queries. */
export function newTokensVote(scoring: Scoring | OwnScoring): boolean {
  return scoring === "k" || scoring === "v";
}

/** Whether all tokens' values are read in order to score. */
export function scoresReadValues(scoring: Scoring | OwnScoring): boolean {
  return typeof scoring === "string" && (scoring === "v" || scoring.startsWith("qkv"));
}

/** Heads that vote: query heads, or KV heads where the step's own keys or values do. */
export function votingHeads(
  scoring: Scoring | OwnScoring,
  shape: { queryHeads: number; keyValueHeads: number },
): number {
  return newTokensVote(scoring) ? shape.keyValueHeads : shape.queryHeads;
}
