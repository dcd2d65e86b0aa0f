import { type Dense, shapeText } from "./dense.ts";
import type { ReferenceKnobs } from "./knobs.ts";
import { topK } from "./top_k.ts";

/** Tokens selected from the middle; all count from its start and rise. */
export interface ReferenceSelection {
  /** Every token that got a vote. */
  readonly candidates: Uint32Array<ArrayBuffer>;
  /** Candidates kept by the clip. */
  readonly centers: Uint32Array<ArrayBuffer>;
  /** Votes of each center. */
  readonly votes: Uint32Array<ArrayBuffer>;
  /** The centers' spans: the tokens to attend to. */
  readonly picked: Uint32Array<ArrayBuffer>;
}

/**
 * Votes, clip and spans (ALGORITHM section 5): every row votes for its k best tokens, the `recallClip` tokens with most
 * votes are kept (ties: lower index), and each brings its span along.
 *
 * @param scores [heads, rows, m]: all of them vote together
 * @param knobs `k`, `recallClip` and `spanSize` matter
 * @returns what was selected
 * @throws {TypeError} if the scores have other than three axes.
 *
 * @example
 * ```ts
 * import { completeKnobs, dense, selectTokens } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const scores = dense([9, 1, 0, 0, 8, 0, 0, 2, 0, 0, 7, 0], [1, 2, 6]);
 * const selection = selectTokens(scores, { k: 2, recallClip: 2, spanSize: 2 });
 * assertEquals([...selection.candidates], [0, 1, 4]);
 * assertEquals([...selection.centers], [0, 4]);
 * assertEquals([...selection.votes], [1, 2]);
 * assertEquals([...selection.picked], [0, 3, 4]);
 * ```
 */
export function selectTokens(
  scores: Dense,
  { k, recallClip, spanSize }: Pick<ReferenceKnobs, "k" | "recallClip" | "spanSize">,
): ReferenceSelection {
  if (scores.shape.length !== 3) throw new TypeError(`selectTokens: ${shapeText(scores)} must be [heads, rows, m]`);
  const length = scores.shape[2];
  const votes = new Uint32Array(length);
  if (k > 0 && length > 0) {
    for (const token of topK(scores, Math.min(k, length)).indices.data) votes[token]++;
  }
  const candidates = Uint32Array.from(votes.keys()).filter((token) => votes[token] > 0);
  const centers = clip(candidates, votes, recallClip);
  return {
    candidates,
    centers,
    votes: centers.map((token) => votes[token]),
    picked: expandSpans(centers, spanSize, length),
  };
}

/**
 * The tokens around given ones: `c - floor(spanSize / 2)` to `c + ceil(spanSize / 2) - 1` for each center c, cut at the
 * borders of the middle (ALGORITHM section 5).
 *
 * @param centers tokens of the middle
 * @param spanSize tokens around each, itself included
 * @param length tokens of the middle
 * @returns all of them, rising, none twice
 *
 * @example
 * ```ts
 * import { expandSpans } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...expandSpans([1, 7], 4, 10)], [0, 1, 2, 5, 6, 7, 8]);
 * ```
 */
export function expandSpans(centers: ArrayLike<number>, spanSize: number, length: number): Uint32Array<ArrayBuffer> {
  const marked = new Uint8Array(length);
  for (let i = 0; i < centers.length; i++) {
    const first = Math.max(0, centers[i] - Math.floor(spanSize / 2));
    const end = Math.min(length, centers[i] + Math.ceil(spanSize / 2));
    for (let token = first; token < end; token++) marked[token] = 1;
  }
  return Uint32Array.from(marked.keys()).filter((token) => marked[token] === 1);
}

function clip(
  candidates: Uint32Array<ArrayBuffer>,
  votes: Uint32Array,
  recallClip: number,
): Uint32Array<ArrayBuffer> {
  if (recallClip < 0) return candidates;
  const byVotes = [...candidates].sort((a, b) => votes[b] - votes[a] || a - b);
  return Uint32Array.from(byVotes.slice(0, recallClip)).sort();
}
