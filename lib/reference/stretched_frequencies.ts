/**
 * Frequencies of a base that grew with the context (NTK-aware scaling, YaRN, arXiv 2309.00071, equation 16):
 * base * scale ** (d / (d - 2)).
 *
 * @param channels channels of a head, d; all rotate
 * @param base the model's base
 * @param scale length over trained length; at most 1 changes nothing
 *
 * @example
 * ```ts
 * import { ntkFrequencies } from "@reattention/toolkit/reference";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const [fast, slow] = ntkFrequencies(4, 16, 2);
 * assertAlmostEquals(fast, 1);
 * assertAlmostEquals(slow, 0.25 / 2);
 * ```
 */
export function ntkFrequencies(channels: number, base: number, scale: number): number[] {
  const grown = base * Math.max(1, scale) ** (channels / Math.max(1, channels - 2));
  return Array.from({ length: channels / 2 }, (_, pair) => grown ** (-2 * pair / channels));
}

/** What YaRN's ramp is made of. */
export interface YarnScaling {
  /** How many times longer the context gets. */
  readonly factor: number;
  /** Pairs that turn fewer times in the trained context are interpolated. */
  readonly alpha: number;
  /** Pairs that turn more often are kept. */
  readonly beta: number;
  /** Tokens of the trained context. */
  readonly trained: number;
}

/**
 * YaRN's frequencies (arXiv 2309.00071, definition 2): `(1 - gamma(r)) theta / s + gamma(r) theta` with r the trained length
 * over the wavelength.
 *
 * @example
 * ```ts
 * import { yarnFrequencies } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const scaling = { factor: 4, alpha: 1, beta: 32, trained: 512 };
 * assertEquals(yarnFrequencies([1, 0.001], scaling), [1, 0.00025]);
 * ```
 */
export function yarnFrequencies(
  frequencies: readonly number[],
  { factor, alpha, beta, trained }: YarnScaling,
): number[] {
  return frequencies.map((theta) => {
    const wavelength = 2 * Math.PI / theta;
    const ratio = trained / wavelength;
    const gamma = ratio < alpha ? 0 : ratio > beta ? 1 : (ratio - alpha) / (beta - alpha);
    return (1 - gamma) * theta / factor + gamma * theta;
  });
}

/**
 * How much YaRN sharpens scores: the square of `0.1 ln(s) + 1` (arXiv 2309.00071, equation 22).
 *
 * @example
 * ```ts
 * import { yarnSharpness } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(yarnSharpness(1), 1);
 * ```
 */
export function yarnSharpness(factor: number): number {
  return (0.1 * Math.log(factor) + 1) ** 2;
}
