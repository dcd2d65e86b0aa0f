import { AssertionError } from "@std/assert";

/** How far two numbers may be apart: `absolute + relative * |expected|`. */
export interface Tolerance {
  /** Default 0. */
  absolute?: number;
  /** Default 0. */
  relative?: number;
  /** What is compared, for the message. */
  label?: string;
}

const shown = 5;

/** Fails unless every number is as close as the tolerance says; NaN and the infinities must be the same. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute = 0, relative = 0, label = "values" }: Tolerance = {},
): void {
  if (actual.length !== expected.length) {
    throw new AssertionError(`${label}: ${actual.length} elements, expected ${expected.length}`);
  }
  const wrong: number[] = [];
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i], expected[i]) || actual[i] === expected[i]) continue;
    const difference = Math.abs(actual[i] - expected[i]);
    const bound = absolute + relative * Math.abs(expected[i]);
    // An infinite expectation would allow anything by the relative part.
    if (Number.isFinite(expected[i]) && difference <= bound) continue;
    wrong.push(i);
    worst = Math.max(worst, difference);
  }
  if (wrong.length === 0) return;
  const lines = wrong.slice(0, shown).map((i) => `  [${i}] ${actual[i]}, expected ${expected[i]}`);
  if (wrong.length > shown) lines.push(`  and ${wrong.length - shown} more`);
  throw new AssertionError(
    `${label}: ${wrong.length} of ${expected.length} elements differ by more than ${absolute} + ${relative} * |expected|, ` +
      `at most by ${worst}:\n${lines.join("\n")}`,
  );
}

/** How two top-k lists of one row are compared. */
export interface TopKTolerance {
  /** Scores of the whole row, as the oracle has them. */
  scores: ArrayLike<number>;
  /** Scores closer than this are near ties: either may stand for the other. 0 wants the same list. */
  tolerance: number;
  /** What is compared, for the message. */
  label?: string;
}

/**
 * Fails unless two lists of indices name the same k best of a row, but for exchanges among near ties: place by place the
 * scores of both lists must be closer than the tolerance.
 */
export function assertSameTopK(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { scores, tolerance, label = "top k" }: TopKTolerance,
): void {
  if (actual.length !== expected.length) {
    throw new AssertionError(`${label}: ${actual.length} indices, expected ${expected.length}`);
  }
  const seen = new Set<number>();
  for (let i = 0; i < actual.length; i++) {
    const index = actual[i];
    if (!Number.isInteger(index) || index < 0 || index >= scores.length) {
      throw new AssertionError(`${label}: [${i}] ${index} is no index of a row of ${scores.length}`);
    }
    if (seen.has(index)) throw new AssertionError(`${label}: index ${index} comes twice`);
    seen.add(index);
    const found = scores[index];
    const wanted = scores[expected[i]];
    if (index === expected[i] || Math.abs(found - wanted) < tolerance) continue;
    throw new AssertionError(
      `${label}: [${i}] ${index} with score ${found}, expected ${expected[i]} with score ${wanted}: ` +
        `no near tie within ${tolerance}`,
    );
  }
}
