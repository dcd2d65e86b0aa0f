import { checkPositions } from "./rotary_frequencies.ts";

/** Positions that are turned from one anchor. */
const BLOCK = 64;
/** From this position on angles come from anchors: a table of millions takes seconds then, not a minute. */
const FAR = 2 ** 17;

/**
 * The angles of `rotaryTable`, cosine and sine side by side. Of far positions each is made of an anchor's and a short turn's: the
 * angle that f32 rounds to is that far from them, so that its sine is a short series. Errors stay below 1e-9, so about one number
 * in a million differs from `rotaryTable` in its last bit.
 *
 * @param frequencies f32 [pairs], from `rotaryFrequencies`
 * @param start first position
 * @param into f32 [positions, pairs, 2], filled from there on
 * @throws {RangeError} as `rotaryTable` does.
 */
export function rotaryPairs(frequencies: Float32Array, start: number, into: Float32Array): void {
  const count = into.length / (2 * Math.max(1, frequencies.length));
  checkPositions(start, count);
  const near = Math.max(0, Math.min(count, FAR - start));
  const split = 2 * near * frequencies.length;
  nearPairs(frequencies, start, into.subarray(0, split));
  farPairs(frequencies, start + near, into.subarray(split));
}

function nearPairs(frequencies: Float32Array, start: number, into: Float32Array): void {
  const pairs = frequencies.length;
  for (let position = start, place = 0; place < into.length; position++) {
    for (let pair = 0; pair < pairs; pair++) {
      const angle = Math.fround(position * frequencies[pair]);
      into[place++] = Math.cos(angle);
      into[place++] = Math.sin(angle);
    }
  }
}

function farPairs(frequencies: Float32Array, start: number, into: Float32Array): void {
  const pairs = frequencies.length;
  const turns = new Float64Array(2 * BLOCK * pairs);
  const anchors = new Float64Array(2 * pairs);
  const fill = (target: Float64Array, place: number, position: number) => {
    for (let pair = 0; pair < pairs; pair++) {
      target[place++] = Math.cos(position * frequencies[pair]);
      target[place++] = Math.sin(position * frequencies[pair]);
    }
  };
  for (let turn = 0; turn < BLOCK; turn++) fill(turns, 2 * turn * pairs, turn);
  for (let place = 0, anchor = start; place < into.length; anchor += BLOCK) {
    fill(anchors, 0, anchor);
    for (let turn = 0; turn < BLOCK && place < into.length; turn++) {
      for (let pair = 0; pair < pairs; pair++, place += 2) {
        const cosAnchor = anchors[2 * pair];
        const sinAnchor = anchors[2 * pair + 1];
        const at = 2 * (turn * pairs + pair);
        const cos = cosAnchor * turns[at] - sinAnchor * turns[at + 1];
        const sin = sinAnchor * turns[at] + cosAnchor * turns[at + 1];
        // The product of two f32 is exact in f64; at most half of a step between f32 lies between it and what it rounds to.
        const exact = (anchor + turn) * frequencies[pair];
        const off = Math.fround(exact) - exact;
        const square = off * off;
        const cosOff = 1 - square * (1 / 2 - square * (1 / 24 - square * (1 / 720 - square / 40320)));
        const sinOff = off * (1 - square * (1 / 6 - square * (1 / 120 - square * (1 / 5040 - square / 362880))));
        into[place] = cos * cosOff - sin * sinOff;
        into[place + 1] = sin * cosOff + cos * sinOff;
      }
    }
  }
}
