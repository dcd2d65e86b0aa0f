/**
 * The mean; NaN of none.
 *
 * @example
 * ```ts
 * import { meanOf } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(meanOf([1, 2, 6]), 3);
 * ```
 */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Standard error of a mean of independent values; NaN of fewer than two.
 *
 * @example
 * ```ts
 * import { meanOf, standardError } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([meanOf([1, 3]), standardError([1, 3])], [2, 1]);
 * ```
 */
export function standardError(values: readonly number[]): number {
  const centre = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

/** A range that a true proportion lies in with 95 % confidence. */
export interface Interval {
  /** Lower end, from 0 to 1. */
  readonly low: number;
  /** Upper end, from 0 to 1. */
  readonly high: number;
}

/** Answers to the questions about one haystack. */
export interface Score {
  /** Questions answered right. */
  readonly correct: number;
  /** Questions asked. */
  readonly total: number;
}

/** How an interval over several haystacks is made. */
export interface ClusteredOptions {
  /** What counts as one trial where all answers agree; see {@linkcode clusteredInterval}. Default "question". */
  agreeing?: "question" | "haystack";
}

/** Half of the 5 % that a 95 % interval leaves out. */
const TAIL = 0.025;
/** The standard normal distribution's 97.5 % quantile. */
const Z = 1.959963984540054;

function checkScore({ correct, total }: Score): void {
  if (!Number.isInteger(total) || total < 1) {
    throw new RangeError(`total ${total} must be a whole number of at least 1`);
  }
  if (!Number.isInteger(correct) || correct < 0 || correct > total) {
    throw new RangeError(`correct ${correct} must be a whole number from 0 to ${total}`);
  }
}

/** Clopper and Pearson's interval in its closed form, for `trials` that all failed or all succeeded. */
function agreeingInterval(succeeded: boolean, trials: number): Interval {
  const bound = TAIL ** (1 / trials);
  return succeeded ? { low: bound, high: 1 } : { low: 0, high: 1 - bound };
}

/** Wilson's score interval; `trials` need not be whole. */
function wilsonInterval(proportion: number, trials: number): Interval {
  const weight = Z * Z / trials;
  const centre = (proportion + weight / 2) / (1 + weight);
  const half = (Z / (1 + weight)) * Math.sqrt((proportion * (1 - proportion) + weight / 4) / trials);
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/**
 * The 95 % interval of a proportion measured on independent questions: exact (Clopper and Pearson 1934, closed form) where
 * all answers are right or all are wrong, since small samples of that kind are the rule here; Wilson's score
 * interval (1927) otherwise.
 *
 * @throws {RangeError} for counts that are none.
 *
 * @example
 * ```ts
 * import { exactMatchInterval } from "@reattention/toolkit/evaluation";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const { low, high } = exactMatchInterval(24, 24);
 * assertAlmostEquals(low, 0.8575, 1e-4);
 * assertEquals(high, 1);
 * ```
 */
export function exactMatchInterval(correct: number, total: number): Interval {
  checkScore({ correct, total });
  if (correct === 0 || correct === total) return agreeingInterval(correct === total, total);
  return wilsonInterval(correct / total, total);
}

/**
 * How much wider than independent questions the spread between haystacks makes a measurement: the ratio of the
 * two variances (Kish's design effect), at least 1. Questions about one haystack share its text and its cache, so they may
 * fail together.
 *
 * @throws {RangeError} for fewer than two haystacks, answers that all agree, or counts that are none.
 *
 * @example Sixteen questions that say as much as one
 * ```ts
 * import { designEffect } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(designEffect([{ correct: 8, total: 8 }, { correct: 0, total: 8 }]), 16);
 * ```
 */
export function designEffect(perHaystack: readonly Score[]): number {
  perHaystack.forEach(checkScore);
  const haystacks = perHaystack.length;
  const { correct, total } = sumScores(perHaystack);
  if (haystacks < 2) throw new RangeError(`designEffect: ${haystacks} haystacks show no spread; give at least 2`);
  if (correct === 0 || correct === total) throw new RangeError("designEffect: answers that all agree show no spread");
  const proportion = correct / total;
  const squares = perHaystack.reduce((sum, score) => sum + (score.correct - proportion * score.total) ** 2, 0);
  const between = (haystacks / (haystacks - 1)) * squares / total ** 2;
  return Math.max(1, between / (proportion * (1 - proportion) / total));
}

/**
 * The 95 % interval of a proportion measured by asking several questions about each of several haystacks.
 *
 * Where answers differ and there are two haystacks or more, Wilson's interval over the effective number of questions
 * (their number over the {@linkcode designEffect}); few haystacks estimate that effect roughly. Over one haystack it
 * can't be estimated: the interval then speaks of questions about this haystack.
 *
 * Where all answers agree it can't be estimated either. By default each question counts as a trial: needles' names, numbers
 * and places are drawn independently, also within a haystack, and the sentences around them are independent too.
 * `agreeing: "haystack"` counts haystacks instead: with every answer right, its lower end holds however strongly the
 * answers about one haystack depend on each other (the chance that all are right is at most the chance that one is), but a
 * few haystacks then say little.
 *
 * @param perHaystack answers per haystack, at least one
 * @throws {RangeError} for no haystack, or counts that are none.
 *
 * @example
 * ```ts
 * import { clusteredInterval, exactMatchInterval } from "@reattention/toolkit/evaluation";
 * import { assert } from "@std/assert";
 *
 * const uneven = clusteredInterval([{ correct: 8, total: 8 }, { correct: 2, total: 8 }]);
 * const independent = exactMatchInterval(10, 16);
 * assert(uneven.low < independent.low && uneven.high > independent.high);
 * ```
 */
export function clusteredInterval(
  perHaystack: readonly Score[],
  { agreeing = "question" }: ClusteredOptions = {},
): Interval {
  if (perHaystack.length === 0) throw new RangeError("clusteredInterval: give at least one haystack");
  perHaystack.forEach(checkScore);
  const { correct, total } = sumScores(perHaystack);
  if (correct === 0 || correct === total) {
    return agreeingInterval(correct === total, agreeing === "question" ? total : perHaystack.length);
  }
  if (perHaystack.length === 1) return exactMatchInterval(correct, total);
  return wilsonInterval(correct / total, total / designEffect(perHaystack));
}

function sumScores(scores: readonly Score[]): Score {
  return scores.reduce(
    (sum, { correct, total }) => ({ correct: sum.correct + correct, total: sum.total + total }),
    { correct: 0, total: 0 },
  );
}
