import { Random } from "../random.ts";
import { type Interval, meanOf, type Score } from "../statistics.ts";

/** Draws of a bootstrap; the ends of an interval are their 2.5 % and 97.5 % quantiles. */
const DRAWS = 4000;
/** Relabellings that are tried one by one; of more, so many are drawn. */
const MOST_RELABELLINGS = 2 ** 14;

/**
 * The 95 % interval of a mean by the bootstrap over clusters (Davison and Hinkley 1997, percentile interval): clusters are
 * drawn with replacement, each with all that belongs to it. Questions about one context share its text and its cache; only
 * contexts are independent.
 *
 * It can't tell anything where all clusters agree, and tells too little of fewer than some five: see
 * {@linkcode settingInterval}.
 *
 * @param clusters sum and number of the scores of each context
 * @throws {RangeError} for no cluster.
 *
 * @example
 * ```ts
 * import { bootstrapInterval } from "@reattention/toolkit/evaluation";
 * import { assert } from "@std/assert";
 *
 * const { low, high } = bootstrapInterval([8, 6, 3, 7, 8, 5].map((correct) => ({ correct, total: 8 })));
 * assert(low > 0.5 && low < 0.77 && high > 0.77 && high < 1);
 * ```
 */
export function bootstrapInterval(clusters: readonly Score[], seed = 1): Interval {
  if (clusters.length === 0) throw new RangeError("bootstrapInterval: give at least one cluster");
  const random = new Random(seed, clusters.length);
  const means = Float64Array.from({ length: DRAWS }, () => {
    let [correct, total] = [0, 0];
    for (let draw = 0; draw < clusters.length; draw++) {
      const cluster = clusters[random.below(clusters.length)];
      correct += cluster.correct;
      total += cluster.total;
    }
    return correct / total;
  }).sort();
  return { low: means[Math.floor(0.025 * DRAWS)], high: means[Math.ceil(0.975 * DRAWS) - 1] };
}

/** Two settings on the same contexts. */
export interface PairedComparison {
  /** Contexts that both have. */
  readonly pairs: number;
  /** Mean difference of the scores, first less second. */
  readonly difference: number;
  /** Its 95 % interval, by the bootstrap over contexts; the difference itself where all contexts agree. */
  readonly interval: Interval;
  /** Cohen's d of paired differences: their mean over their standard deviation; 0 where all are 0, infinite where all are alike otherwise. */
  readonly effect: number;
  /** Chance of a difference at least as large if the two were the same: of the sign flips of the contexts' differences. */
  readonly p: number;
}

/**
 * Compares two settings on the same contexts by permutation: were the two the same, either could have made each context's
 * two scores, so the differences' signs could be any (Fisher 1935). All sign flips are tried up to 14 contexts, and 16,384
 * drawn ones beyond that.
 *
 * @param first scores by context
 * @param second scores of the same contexts, in the same order
 * @throws {RangeError} for lists of different lengths, or empty ones.
 *
 * @example
 * ```ts
 * import { comparePaired } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * // Six contexts, all better: 2 of the 64 sign flips are as extreme.
 * assertEquals(comparePaired([1, 1, 1, 1, 1, 1], [0.5, 0.25, 0.5, 0.75, 0, 0.5]).p, 2 / 64);
 * ```
 */
export function comparePaired(first: readonly number[], second: readonly number[], seed = 1): PairedComparison {
  const pairs = first.length;
  if (pairs === 0 || pairs !== second.length) {
    throw new RangeError(`comparePaired: ${pairs} and ${second.length} scores must be as many, at least one`);
  }
  const differences = first.map((score, index) => score - second[index]);
  const difference = meanOf(differences);
  const spread = Math.sqrt(differences.reduce((sum, one) => sum + (one - difference) ** 2, 0) / Math.max(1, pairs - 1));
  return {
    pairs,
    difference,
    interval: bootstrapInterval(differences.map((one) => ({ correct: one, total: 1 })), seed),
    effect: Math.abs(difference) < 1e-12 ? 0 : difference / spread,
    p: signFlipChance(differences, seed),
  };
}

function signFlipChance(differences: readonly number[], seed: number): number {
  const sum = Math.abs(differences.reduce((total, one) => total + one, 0));
  // Sums of the same terms in another order differ in their last digits.
  const extreme = (flips: (index: number) => boolean) => {
    const total = differences.reduce((total, one, index) => flips(index) ? total - one : total + one, 0);
    return Math.abs(total) >= sum - 1e-9 ? 1 : 0;
  };
  const all = 2 ** differences.length;
  let count = 0;
  if (all <= MOST_RELABELLINGS) {
    for (let flips = 0; flips < all; flips++) count += extreme((index) => ((flips >>> index) & 1) === 1);
    return count / all;
  }
  const random = new Random(seed, differences.length);
  for (let draw = 0; draw < MOST_RELABELLINGS; draw++) {
    const signs = differences.map(() => (random.next() & 1) === 1);
    count += extreme((index) => signs[index]);
  }
  // With the labelling that was seen: a chance of 0 would say too much.
  return (count + 1) / (MOST_RELABELLINGS + 1);
}

/**
 * Corrects chances of several comparisons for their number (Holm 1979): with all of them together, the chance of any false
 * finding stays below the level that each corrected chance is held against.
 *
 * @param chances uncorrected, in any order
 * @returns corrected, in the same order
 *
 * @example
 * ```ts
 * import { holmCorrected } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(holmCorrected([0.01, 0.5, 0.02]), [0.03, 0.5, 0.04]);
 * ```
 */
export function holmCorrected(chances: readonly number[]): number[] {
  const order = chances.map((_, index) => index).sort((a, b) => chances[a] - chances[b]);
  const corrected = new Array<number>(chances.length);
  let most = 0;
  for (const [rank, index] of order.entries()) {
    most = Math.max(most, Math.min(1, (chances.length - rank) * chances[index]));
    corrected[index] = most;
  }
  return corrected;
}
