/** Distance at which query m sees key n; undefined where it does not see it. */
export type Distance = (m: number, n: number) => number | undefined;

/**
 * A sliding window: the last `window` tokens at their distances (Longformer, arXiv 2004.05150, section 3.1).
 *
 * @example
 * ```ts
 * import { slidingDistance } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([9, 8, 7].map((n) => slidingDistance(2)(9, n)), [0, 1, undefined]);
 * ```
 */
export function slidingDistance(window: number): Distance {
  return (m, n) => m - n < window ? m - n : undefined;
}

/**
 * LM-Infinite (arXiv 2308.16137): the first `leading` and the last `window` tokens, no distance beyond `window`.
 *
 * @example
 * ```ts
 * import { lmInfiniteDistance } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([9, 8, 7, 0].map((n) => lmInfiniteDistance(1, 2)(9, n)), [0, 1, undefined, 2]);
 * ```
 */
export function lmInfiniteDistance(leading: number, window: number): Distance {
  return (m, n) => n < leading || m - n < window ? Math.min(m - n, window) : undefined;
}

/**
 * SelfExtend (arXiv 2401.01325, section 3.2): neighbours at their distances, others by the positions of their groups, both
 * rotated on their own: query floor(m / G) + W - floor(W / G), key floor(n / G).
 *
 * @example
 * ```ts
 * import { selfExtendDistance } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([8, 6, 2].map((n) => selfExtendDistance(2, 4)(9, n)), [1, 3, 5]); // 4 + 4 - 2 - 1
 * ```
 */
export function selfExtendDistance(group: number, neighbors: number): Distance {
  const query = (m: number) => Math.floor(m / group) + neighbors - Math.floor(neighbors / group);
  return (m, n) => m - n < neighbors ? m - n : query(m) - Math.floor(n / group);
}

/**
 * ReRoPE and Leaky ReRoPE (Su 2023, kexue.fm/archives/9708): beyond w, w + (distance - w) / leak; w itself without leak.
 *
 * @example
 * ```ts
 * import { reRopeDistance } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([8, 0].map((n) => reRopeDistance(3)(9, n)), [1, 3]);
 * assertEquals(reRopeDistance(3, 4)(9, 0), 4.5);
 * ```
 */
export function reRopeDistance(near: number, leak?: number): Distance {
  return (m, n) => m - n < near ? m - n : leak === undefined ? near : near + (m - n - near) / leak;
}

/**
 * Dual Chunk Attention (arXiv 2402.17463, section 3): keys stand at their place in their chunk of s tokens; queries at theirs
 * (intra-chunk), at s, s + 1, .. up to c - 1 for the chunk before (successive), at c - 1 for others (inter-chunk).
 *
 * @example The paper's figure 2: s = 6, c = 10
 * ```ts
 * import { dualChunkDistance } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const distance = dualChunkDistance(6, 10);
 * assertEquals([6, 5, 0].map((n) => distance(7, n)), [1, 2, 7]);
 * assertEquals([distance(11, 0), distance(12, 0)], [9, 9]);
 * ```
 */
export function dualChunkDistance(chunk: number, trained: number): Distance {
  const own = Array.from({ length: chunk }, (_, place) => place);
  const successive = own.map((place) => place + chunk < trained ? place + chunk : trained - 1);
  return (m, n) => {
    const chunks = Math.floor(m / chunk) - Math.floor(n / chunk);
    const query = chunks === 0 ? own[m % chunk] : chunks === 1 ? successive[m % chunk] : trained - 1;
    return query - own[n % chunk];
  };
}
