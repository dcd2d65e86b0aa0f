import { rotaryFrequencies } from "../../attention/mod.ts";
import type { RopeSpec } from "../../attention/attend/rotary_frequencies.ts";

/**
 * How a model pairs the channels of a head that rotate together. Kernels turn channel c with channel c + d/2; models of
 * the GLM families turn neighbours (2i, 2i + 1) of the first channels and leave the rest as they are. Queries and keys may
 * have their channels in any order, as long as it is the same one: so these models' projections are reordered at
 * loading, and what doesn't rotate is turned by an angle of nothing.
 */
export interface RotaryLayout {
  /** Channels of a head that rotate, from its first on. */
  readonly channels: number;
  /** Whether neighbours rotate together; otherwise the halves of the head do. */
  readonly interleaved: boolean;
}

/** Inverse frequencies of a head's pairs, as kernels pair them: those that don't rotate are 0. */
export function headFrequencies(headSize: number, rope: RopeSpec, rotary: RotaryLayout): Float32Array<ArrayBuffer> {
  const frequencies = new Float32Array(headSize / 2);
  frequencies.set(rotaryFrequencies(rotary.channels, rope));
  return frequencies;
}

/** Which stored channel of a head comes to stand at each place; undefined where all stay. */
export function channelOrder(headSize: number, { channels, interleaved }: RotaryLayout): number[] | undefined {
  if (!interleaved) return undefined;
  const half = headSize / 2;
  const order = new Array<number>(headSize);
  for (let pair = 0; pair < half; pair++) {
    const rotates = 2 * pair < channels;
    order[pair] = rotates ? 2 * pair : channels + 2 * (pair - channels / 2);
    order[pair + half] = order[pair] + 1;
  }
  return order;
}

/** Rows of all heads reordered within each head. */
export function reorderRows(
  rows: Float32Array<ArrayBuffer>,
  order: readonly number[],
  width: number,
): Float32Array<ArrayBuffer> {
  const reordered = new Float32Array(rows.length);
  const size = order.length * width;
  for (let head = 0; head < rows.length; head += size) {
    order.forEach((stored, place) => {
      reordered.set(rows.subarray(head + stored * width, head + (stored + 1) * width), head + place * width);
    });
  }
  return reordered;
}
