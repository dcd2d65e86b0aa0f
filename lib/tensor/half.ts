/**
 * Rounds numbers to half floats, to nearest with ties to even, as 16-bit patterns.
 *
 * @param floats f32 values; what is past 65,504 by half a step or more becomes infinity, NaN stays NaN
 *
 * @example
 * ```ts
 * import { floatsToHalves } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...floatsToHalves(new Float32Array([1, -2]))], [0x3c00, 0xc000]);
 * ```
 */
export function floatsToHalves(floats: Float32Array): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const halves = new Uint16Array(floats.length);
  for (let i = 0; i < halves.length; i++) halves[i] = toHalf(words[i], floats[i]);
  return halves;
}

/**
 * Widens half floats, given as 16-bit patterns; exact.
 *
 * @param halves 16-bit patterns
 *
 * @example
 * ```ts
 * import { halvesToFloats } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...halvesToFloats(new Uint16Array([0x3c00, 0xc000]))], [1, -2]);
 * ```
 */
export function halvesToFloats(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(halves.length);
  const floats = new Float32Array(words.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i];
    const sign = (half & 0x8000) << 16;
    const magnitude = half & 0x7fff;
    if (magnitude < 0x400) floats[i] = (sign ? -1 : 1) * magnitude * 2 ** -24;
    else if (magnitude >= 0x7c00) words[i] = sign | 0x7f800000 | (magnitude & 0x3ff) << 13;
    else words[i] = sign | (magnitude << 13) + 0x38000000;
  }
  return floats;
}

function toHalf(word: number, value: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) return sign | roundToEven(Math.abs(value) * 2 ** 24);
  // The exponent's bias is 112 less, and 13 bits of the fraction go.
  return sign | (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
