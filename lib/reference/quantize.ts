import { type Dense, dense } from "./dense.ts";

/** Vectors as int8 with a scale each. */
export interface QuantizedVectors {
  /** Whole numbers from -127 to 127, in the vectors' order. */
  readonly whole: Int8Array<ArrayBuffer>;
  /** What each vector's numbers are multiplied with; 0 for a vector of zeros. */
  readonly scales: Float32Array<ArrayBuffer>;
  /** What comes back: whole times scale, in the vectors' shape. */
  readonly restored: Dense<Float32Array<ArrayBuffer>>;
}

/**
 * Stores vectors as the cache's int8 storage does: each vector's largest magnitude becomes 127, the rest is rounded to the nearest
 * whole number, halves up. All steps are rounded to f32.
 *
 * @param x [..., d]; the vectors are its last axis
 *
 * @example
 * ```ts
 * import { dense, quantizeInt8 } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const { whole, scales } = quantizeInt8(dense([1, -2, 0.5, 0, 0, 0], [2, 3]));
 * assertEquals([...whole], [64, -127, 32, 0, 0, 0]);
 * assertEquals([...scales], [Math.fround(2 / 127), 0]);
 * ```
 */
export function quantizeInt8({ data, shape }: Dense): QuantizedVectors {
  const size = shape[shape.length - 1];
  const whole = new Int8Array(data.length);
  const scales = new Float32Array(data.length / size);
  const restored = new Float32Array(data.length);
  for (let vector = 0; vector < scales.length; vector++) {
    const places = Array.from({ length: size }, (_, channel) => vector * size + channel);
    scales[vector] = Math.max(...places.map((place) => Math.abs(Math.fround(data[place])))) / 127;
    for (const place of places) {
      const share = scales[vector] > 0 ? Math.fround(Math.fround(data[place]) / scales[vector]) : 0;
      whole[place] = Math.max(-127, Math.min(127, Math.floor(Math.fround(share + 0.5))));
      restored[place] = whole[place] * scales[vector];
    }
  }
  return { whole, scales, restored: dense(restored, shape) };
}
