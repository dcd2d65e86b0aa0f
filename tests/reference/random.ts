import { dense, type DenseFloats } from "../../lib/reference/mod.ts";

/** Deterministic numbers in [-1, 1) with a shape: the same for the same seed. */
export function randomDense(seed: number, shape: readonly number[]): DenseFloats {
  const count = shape.reduce((product, size) => product * size, 1);
  let state = (seed * 2654435761 + 12345) >>> 0;
  const next = () => {
    // xorshift32; a state of 0 would stay 0.
    state = (state || 1) ^ (state << 13);
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return dense(Float32Array.from({ length: count }, next), shape);
}
