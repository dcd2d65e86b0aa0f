import { Tensor } from "../../tensor/mod.ts";
import { foldGrid } from "../attend/gather.ts";
import type { AttendedTokens, AttentionStep } from "../step.ts";

/** A list of each sequence's middle, for all heads. */
export function middleTokens(step: AttentionStep): AttendedTokens {
  const { device, layouts } = step;
  const lengths = layouts.map(({ mode, leading, windowStart }) => mode === "select" ? windowStart - leading : 0);
  const bound = step.middleLength;
  const tokens = layouts.flatMap(({ leading }, sequence) =>
    Array.from({ length: bound }, (_, place) => lengths[sequence] > 0 ? leading + place : 0)
  );
  const indices = Tensor.from(device, Uint32Array.from(tokens), [layouts.length, 1, bound], "middle");
  const counts = Tensor.from(device, Uint32Array.from(lengths), [layouts.length, 1], "middle lengths");
  return { indices, counts, grid: foldGrid(step, counts), selections: 1, bound };
}
