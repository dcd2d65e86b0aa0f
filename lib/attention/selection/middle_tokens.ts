import { Tensor } from "../../tensor/mod.ts";
import { foldGrid } from "../attend/gather.ts";
import type { AttendedTokens, AttentionStep } from "../step.ts";

/** A list of each sequence's middle, for all heads. */
export function middleTokens(step: AttentionStep): AttendedTokens {
  const { device, layouts } = step;
  const lengths = layouts.map(({ mode, leading, windowStart }) => mode === "select" ? windowStart - leading : 0);
  const bound = step.middleLength;
  // Long contexts have long middles, and every layer of every chunk lists them: a list of plain numbers would take longer.
  const tokens = new Uint32Array(layouts.length * bound);
  layouts.forEach(({ leading }, sequence) => {
    if (lengths[sequence] === 0) return;
    for (let place = 0; place < bound; place++) tokens[sequence * bound + place] = leading + place;
  });
  const indices = Tensor.from(device, tokens, [layouts.length, 1, bound], "middle");
  const counts = Tensor.from(device, Uint32Array.from(lengths), [layouts.length, 1], "middle lengths");
  return { indices, counts, grid: foldGrid(step, counts), selections: 1, bound };
}
