import { roundAsPython } from "./python_text.ts";

/** From this many characters on, frequent ones don't start a match. */
const AUTOJUNK = 200;

/** Where each character of `b` stands, without those that are in more than 1 % of a long text. */
function placesOf(b: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  b.forEach((character, index) => {
    const known = places.get(character);
    if (known) known.push(index);
    else places.set(character, [index]);
  });
  if (b.length < AUTOJUNK) return places;
  const most = Math.floor(b.length / 100) + 1;
  return new Map([...places].filter(([, indices]) => indices.length <= most));
}

interface Range {
  readonly fromA: number;
  readonly toA: number;
  readonly fromB: number;
  readonly toB: number;
}

/** The longest stretch that both ranges share, the earliest in `a` and then in `b`, grown over frequent characters. */
function longestMatch(a: readonly string[], b: readonly string[], places: Map<string, number[]>, range: Range) {
  let [startA, startB, size] = [range.fromA, range.fromB, 0];
  let ending = new Map<number, number>();
  for (let i = range.fromA; i < range.toA; i++) {
    const next = new Map<number, number>();
    for (const j of places.get(a[i]) ?? []) {
      if (j < range.fromB) continue;
      if (j >= range.toB) break;
      const length = (ending.get(j - 1) ?? 0) + 1;
      next.set(j, length);
      if (length > size) [startA, startB, size] = [i - length + 1, j - length + 1, length];
    }
    ending = next;
  }
  while (startA > range.fromA && startB > range.fromB && a[startA - 1] === b[startB - 1]) {
    [startA, startB, size] = [startA - 1, startB - 1, size + 1];
  }
  while (startA + size < range.toA && startB + size < range.toB && a[startA + size] === b[startB + size]) size++;
  return { startA, startB, size };
}

/**
 * Similarity of two texts from 0 to 1 as Python's `difflib.SequenceMatcher(None, a, b).ratio()` has it: twice the
 * characters of the matching stretches over all characters.
 *
 * @example
 * ```ts
 * import { matchingRatio } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(matchingRatio("abcd", "bcde"), 0.75);
 * ```
 */
export function matchingRatio(first: string, second: string): number {
  const [a, b] = [[...first], [...second]];
  if (a.length + b.length === 0) return 1;
  const places = placesOf(b);
  const ranges: Range[] = [{ fromA: 0, toA: a.length, fromB: 0, toB: b.length }];
  let matching = 0;
  for (let range = ranges.pop(); range; range = ranges.pop()) {
    const { startA, startB, size } = longestMatch(a, b, places, range);
    if (size === 0) continue;
    matching += size;
    ranges.push({ ...range, toA: startA, toB: startB }, { ...range, fromA: startA + size, fromB: startB + size });
  }
  return 2 * matching / (a.length + b.length);
}

/** The same in hundredths, as fuzzywuzzy's `ratio` gives it where neither python-Levenshtein nor rapidfuzz is there. */
export function difflibSimilarity(a: string, b: string): number {
  if (a === b) return 1;
  return roundAsPython(100 * matchingRatio(a, b)) / 100;
}
