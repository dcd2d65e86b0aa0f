/** Rotary positions stretched evenly: every frequency is divided by the factor ("linear"). */
export interface LinearRopeScaling {
  /** The kind of scaling. */
  readonly type: "linear";
  /** How many times longer the context gets; at least 1. */
  readonly factor: number;
}

/** The scaling of Llama 3.1 and later: low frequencies are divided, high ones kept, those between blended ("llama3"). */
export interface Llama3RopeScaling {
  /** The kind of scaling. */
  readonly type: "llama3";
  /** Divides the low frequencies; at least 1. */
  readonly factor: number;
  /** Wavelengths above originalContext / lowFrequencyFactor are divided. */
  readonly lowFrequencyFactor: number;
  /** Wavelengths below originalContext / highFrequencyFactor are kept; more than lowFrequencyFactor. */
  readonly highFrequencyFactor: number;
  /** Tokens of context that the model was trained at before the scaling. */
  readonly originalContext: number;
}

/** How a model's rotary frequencies are changed for longer contexts. */
export type RopeScaling = LinearRopeScaling | Llama3RopeScaling;

/** A model's rotary embedding. */
export interface RopeSpec {
  /** The base of the frequencies (rope_theta). */
  readonly base: number;
  /** Default null: plain frequencies. */
  readonly scaling?: RopeScaling | null;
}

/** Cosines and sines of rotary angles, both row-major [positions, headSize / 2]. */
export interface RotaryAngles {
  /** Cosines of the angles. */
  readonly cos: Float32Array<ArrayBuffer>;
  /** Sines of the angles. */
  readonly sin: Float32Array<ArrayBuffer>;
}

const { fround } = Math;

/**
 * Inverse frequencies of the rotary embedding (Su et al. 2021, arXiv 2104.09864, section 3.4.2): `base ** (-2 i / headSize)`
 * for pair `i`, then scaled. Each operation is rounded to f32 as PyTorch does, since models were trained with those angles:
 * far into a context the last bit of a frequency is a visible angle.
 *
 * @param headSize channels of a head that rotate; even
 * @param rope base and scaling
 * @returns f32 [headSize / 2], in radians per position
 * @throws {RangeError} if the size is odd or not positive, or the base is not a positive number.
 *
 * @example
 * ```ts
 * import { rotaryFrequencies } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...rotaryFrequencies(4, { base: 16 })], [1, 0.25]);
 * assertEquals([...rotaryFrequencies(4, { base: 16, scaling: { type: "linear", factor: 2 } })], [0.5, 0.125]);
 * ```
 */
export function rotaryFrequencies(headSize: number, rope: RopeSpec): Float32Array<ArrayBuffer> {
  if (!Number.isInteger(headSize) || headSize < 2 || headSize % 2 !== 0) {
    throw new RangeError(`rotaryFrequencies: headSize must be an even positive whole number, not ${headSize}`);
  }
  if (!(rope.base > 0 && Number.isFinite(rope.base))) {
    throw new RangeError(`rotaryFrequencies: base must be a positive number, not ${rope.base}`);
  }
  const base = fround(rope.base);
  return Float32Array.from({ length: headSize / 2 }, (_, pair) => {
    const power = fround(base ** fround((2 * pair) / headSize));
    return scaled(fround(1 / power), rope.scaling ?? null);
  });
}

function scaled(frequency: number, scaling: RopeScaling | null): number {
  if (scaling === null) return frequency;
  const { factor } = scaling;
  const divided = fround(frequency / factor);
  if (scaling.type === "linear") return divided;
  const { originalContext, lowFrequencyFactor: low, highFrequencyFactor: high } = scaling;
  const wavelength = fround(fround(2 * Math.PI) / frequency);
  if (wavelength > originalContext / low) return divided;
  if (wavelength < originalContext / high) return frequency;
  const kept = fround(fround(fround(originalContext / wavelength) - low) / (high - low));
  const fromDivided = fround(fround(fround(1 - kept) * frequency) / factor);
  return fround(fromDivided + fround(kept * frequency));
}

/**
 * Cosines and sines of consecutive positions. Angles are f32, as models see them in training; their cosines are taken in
 * f64, since WGSL's own are far off for large angles.
 *
 * @param frequencies f32 [pairs], from {@linkcode rotaryFrequencies}
 * @param start first position
 * @param count number of positions
 * @returns two f32 [count, pairs] tables
 * @throws {RangeError} if start or count is not a whole number of at least 0, or a position is past 2^24 (f32 can't hold it).
 *
 * @example
 * ```ts
 * import { rotaryFrequencies, rotaryTable } from "@reattention/toolkit/attention";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const { cos, sin } = rotaryTable(rotaryFrequencies(4, { base: 16 }), 0, 2);
 * assertEquals([...cos.slice(0, 2)], [1, 1]); // position 0 is not rotated
 * assertAlmostEquals(sin[2], Math.sin(1), 1e-7);
 * ```
 */
export function rotaryTable(frequencies: Float32Array, start: number, count: number): RotaryAngles {
  checkPositions(start, count);
  const pairs = frequencies.length;
  const cos = new Float32Array(count * pairs);
  const sin = new Float32Array(count * pairs);
  for (let row = 0; row < count; row++) {
    for (let pair = 0; pair < pairs; pair++) {
      const angle = fround((start + row) * frequencies[pair]);
      cos[row * pairs + pair] = Math.cos(angle);
      sin[row * pairs + pair] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/** Refuses positions that are none, or that f32 can't hold. */
export function checkPositions(start: number, count: number): void {
  for (const [name, value] of [["start", start], ["count", count]] as const) {
    if (!Number.isInteger(value) || value < 0) {
      throw new RangeError(`rotaryTable: ${name} must be a whole number of at least 0, not ${value}`);
    }
  }
  if (start + count > 2 ** 24) {
    throw new RangeError(`rotaryTable: positions end at ${start + count}; f32 angles go up to ${2 ** 24}`);
  }
}
