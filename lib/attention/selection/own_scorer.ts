/** What a scorer in TypeScript is told of one query's scores. */
export interface ScoresAt {
  /** The layer. */
  readonly layer: number;
  /** The query head. */
  readonly head: number;
  /** The query's place in the context. */
  readonly query: number;
  /** The first token of the middle: scores[i] is that of token `first + i`. */
  readonly first: number;
}

/**
 * A way to score the middle's tokens of one's own: either the text of a WGSL function, run on the GPU, or a function in
 * TypeScript, run on the scores q . k that were brought to the host.
 */
export type OwnScorer =
  | {
    /**
     * WGSL with a function `score(at: At) -> f32`. `at` has the `layer`, the query's `head` and place `query`, and the place
     * `token`; `query(c)`, `key(c)` and `value(c)` give four channels each, before rotation, `c` counting to `D4`. One that calls
     * `value` needs the values on the GPU (`valuesOn: "gpu"`).
     */
    readonly wgsl: string;
  }
  | {
    /** Gives a query's scores anew (or changes them in place) from its dot products with the middle's keys. */
    readonly score: (scores: Float32Array, at: ScoresAt) => ArrayLike<number> | void;
  };

/** The knob `scoring`'s value for a scorer of one's own: "own:" and its name. */
export type OwnScoring = `own:${string}`;

const defined = new Map<string, OwnScorer>();

/**
 * Names a scorer of one's own, and gives the knob value that chooses it: sessions, figures and sweeps take that as they take
 * "qk". Scores decide the k best tokens of each query; votes, clip and spans stay as they are. A name that is defined again
 * stands for the new scorer from then on.
 *
 * A WGSL scorer sees one query and one token, and runs wherever the built-in ones do. A TypeScript scorer sees a query's
 * scores side by side, so that it can smooth or rank them; each layer of a selecting step then waits for a read-back.
 *
 * @param name letters, digits, "-" and "_"
 * @returns the value of the knob `scoring`
 * @throws {RangeError} for another name, or a scorer that is neither of both.
 *
 * @example Scores of each token's neighbourhood: a single loud token counts less than a passage
 * ```ts
 * import { defineScorer, resolveKnobs } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * const smoothed = defineScorer("smoothed", {
 *   score: (scores) => scores.map((score, i) => (score + (scores[i - 1] ?? score) + (scores[i + 1] ?? score)) / 3),
 * });
 * assertEquals(resolveKnobs({ scoring: smoothed }).scoring, "own:smoothed");
 * ```
 *
 * @example The cosine of query and key, on the GPU
 * ```ts
 * import { defineScorer } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * const cosine = defineScorer("cosine", {
 *   wgsl: `fn score(at: At) -> f32 {
 *     var dots = vec2<f32>();
 *     for (var c = 0u; c < D4; c++) {
 *       dots += vec2<f32>(dot(query(c), key(c)), dot(key(c), key(c)));
 *     }
 *     return dots.x / sqrt(max(dots.y, 1e-12));
 *   }`,
 * });
 * assertEquals(cosine, "own:cosine");
 * ```
 */
export function defineScorer(name: string, scorer: OwnScorer): OwnScoring {
  if (!/^[\w-]+$/.test(name)) {
    throw new RangeError(`defineScorer: name ${JSON.stringify(name)} must be made of letters, digits, "-" and "_"`);
  }
  const { wgsl, score } = scorer as { wgsl?: unknown; score?: unknown };
  if (typeof wgsl === "string" ? !/\bfn\s+score\s*\(/.test(wgsl) : typeof score !== "function") {
    const what = typeof wgsl === "string" ? "its WGSL has no function score" : "it has neither";
    throw new RangeError(`defineScorer: "${name}" must have WGSL text with a function score, or a function; ${what}`);
  }
  defined.set(name, scorer);
  return `own:${name}`;
}

/**
 * Whether a value of the knob `scoring` names a scorer that was defined.
 *
 * @example
 * ```ts
 * import { isOwnScoring } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([isOwnScoring("qk"), isOwnScoring("nothing of that name")], [false, false]);
 * ```
 */
export function isOwnScoring(scoring: string): scoring is OwnScoring {
  return scoring.startsWith("own:") && defined.has(scoring.slice(4));
}

/** Whether a value of the knob `scoring` names a scorer in TypeScript, which runs on the host. */
export function scoresOnHost(scoring: string): boolean {
  const scorer = ownScorer(scoring);
  return scorer !== undefined && "score" in scorer;
}

/** The scorer that a value of the knob `scoring` names; undefined for the built-in ones. */
export function ownScorer(scoring: string): OwnScorer | undefined {
  if (!scoring.startsWith("own:")) return undefined;
  const scorer = defined.get(scoring.slice(4));
  if (scorer) return scorer;
  throw new RangeError(`there is no scorer "${scoring}"; define it with defineScorer first`);
}

/** Whether a scorer's WGSL asks for values. */
export function snippetReadsValues(wgsl: string): boolean {
  return /\bvalue\s*\(/.test(wgsl.replace(/\/\/.*$/gm, ""));
}

/** Whether a value of the knob `scoring` names a scorer that reads values; one in TypeScript sees products with keys alone. */
export function ownScorerReadsValues(scoring: string): boolean {
  const scorer = isOwnScoring(scoring) ? ownScorer(scoring) : undefined;
  return scorer !== undefined && "wgsl" in scorer && snippetReadsValues(scorer.wgsl);
}
