import { roundAsPython } from "./python_text.ts";

/**
 * Levenshtein's distance in code points: fewest insertions, deletions and substitutions.
 *
 * @example
 * ```ts
 * import { levenshtein } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(levenshtein("kitten", "sitting"), 3);
 * ```
 */
export function levenshtein(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  let row = Uint32Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [i, character] of left.entries()) {
    const next = new Uint32Array(row.length);
    next[0] = i + 1;
    for (let j = 0; j < right.length; j++) {
      const substituted = row[j] + (character === right[j] ? 0 : 1);
      next[j + 1] = Math.min(substituted, row[j + 1] + 1, next[j] + 1);
    }
    row = next;
  }
  return row[right.length];
}

/** Length of the longest common subsequence. */
export function commonLength<T>(a: readonly T[], b: readonly T[]): number {
  let row = new Uint32Array(b.length + 1);
  for (const item of a) {
    const next = new Uint32Array(row.length);
    for (let j = 0; j < b.length; j++) {
      next[j + 1] = item === b[j] ? row[j] + 1 : Math.max(row[j + 1], next[j]);
    }
    row = next;
  }
  return row[b.length];
}

/**
 * Places in `a` of one longest common subsequence of `a` and `b`, last one first: by the way back through the table of lengths.
 *
 * @param ties where both ways back are as long: goes back in the "first" text or in the "second"
 */
export function commonPlaces<T>(a: readonly T[], b: readonly T[], ties: "first" | "second"): number[] {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j < width; j++) {
      table[i * width + j] = a[i - 1] === b[j - 1]
        ? table[(i - 1) * width + j - 1] + 1
        : Math.max(table[(i - 1) * width + j], table[i * width + j - 1]);
    }
  }
  const places: number[] = [];
  let [i, j] = [a.length, b.length];
  while (i > 0 && j > 0) {
    const [first, second] = [table[(i - 1) * width + j], table[i * width + j - 1]];
    if (a[i - 1] === b[j - 1]) {
      places.push(i - 1);
      i--;
      j--;
    } else if (first > second || (first === second && ties === "first")) {
      i--;
    } else {
      j--;
    }
  }
  return places;
}

/**
 * Similarity of two lines in hundredths, from 0 to 1, as fuzzywuzzy's `ratio` gives it on top of python-Levenshtein or
 * rapidfuzz: by insertions and deletions of code points, rounded half to even.
 *
 * @example
 * ```ts
 * import { editSimilarity } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(editSimilarity("return x", "return y"), 0.88);
 * ```
 */
export function editSimilarity(a: string, b: string): number {
  if (a === b) return 1;
  const [left, right] = [[...a], [...b]];
  if (left.length === 0 || right.length === 0) return 0;
  const length = left.length + right.length;
  const distance = length - 2 * commonLength(left, right);
  return roundAsPython(100 * (1 - distance / length)) / 100;
}
