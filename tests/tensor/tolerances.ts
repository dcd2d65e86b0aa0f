import { assert, assertEquals } from "@std/assert";

/** Where results are stored. */
export type FloatType = "f32" | "f16";

/** Half a step between neighbouring numbers, as a part of the number: one correct rounding is off by at most this. */
const ROUNDING = { f32: 2 ** -24, f16: 2 ** -11 } as const;

/**
 * How far an op's f32 arithmetic may be from the f64 oracle, in roundings of f32 on values of size `scale`.
 *
 * Sums of n terms take n roundings in the worst order, each of at most the sum of magnitudes. WGSL allows exp an error of
 * 3 + 2 |x| units in the last place (twice a rounding each), square roots and divisions 2.5 units.
 */
const BOUNDS = {
  /** K products and sums; scale: sum of |a b|. */
  matmul: { roundings: (k: number) => k + 1 },
  add: { roundings: () => 1 },
  multiply: { roundings: () => 1 },
  scale: { roundings: () => 1 },
  /** exp of |x| up to 8, a division, two products. */
  siluGate: { roundings: () => 2 * (3 + 2 * 8) + 8 },
  /** n squares summed, halved by the root; division, root, two products. */
  rmsNorm: { roundings: (n: number) => n / 2 + 16 },
  /** exp of differences up to 16 twice (above and in the sum), n terms summed, a division. */
  softmax: { roundings: (n: number) => 4 * (3 + 2 * 16) + n + 5 },
  sum: { roundings: (n: number) => n },
  mean: { roundings: (n: number) => n + 5 },
  /** Scores of up to sqrt(64) * 4 = 32 into exp twice, d products and N values summed, the running maximum's corrections. */
  causalAttention: { roundings: (n: number) => 4 * (3 + 2 * 32) + 4 * n },
  /** Two products and a difference, the table's own rounding being part of the input. */
  rotary: { roundings: () => 3 },
} as const;

/** Ops with a bound. */
export type BoundedOp = keyof typeof BOUNDS;

/** What a comparison needs to know of the case. */
export interface Case {
  /** Type of the result. */
  dtype: FloatType;
  /** Terms that were summed, where the op sums. */
  length?: number;
  /** Largest magnitude of the intermediate values that were rounded. */
  scale: number;
}

/** Asserts that every element is within the op's bound; names the first that is not. */
export function assertWithin(
  op: BoundedOp,
  actual: Float32Array,
  expected: ArrayLike<number>,
  { dtype, length = 1, scale }: Case,
): void {
  assertEquals(actual.length, expected.length, `${op}: number of elements`);
  const arithmetic = BOUNDS[op].roundings(length) * ROUNDING.f32 * scale;
  for (let i = 0; i < actual.length; i++) {
    // Half floats below 2^-14 have steps of 2^-24.
    const storage = dtype === "f16" ? ROUNDING.f16 * Math.abs(expected[i]) + 2 ** -25 : 0;
    const oracle = ROUNDING.f32 * Math.abs(expected[i]); // it computes in f64, but gives f32
    const bound = arithmetic * (1 + ROUNDING[dtype]) + storage + oracle + 1e-37;
    const off = Math.abs(actual[i] - expected[i]);
    assert(off <= bound, `${op} ${dtype}: element ${i} is ${actual[i]}, expected ${expected[i]} within ${bound}`);
  }
}
