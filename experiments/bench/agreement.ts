import type { TraceStep } from "../../lib/attention/mod.ts";
import { meanOf } from "../../lib/evaluation/mod.ts";

/**
 * Of the tokens that exact selection picked in each step, the share that another way attends to in the same step: mean over layers and
 * groups of heads. Leading tokens and the window don't count, since every way attends to them.
 *
 * @throws {RangeError} where the two did not make the same steps, or exact selection picked nothing.
 */
export function agreementBySteps(exact: readonly TraceStep[], other: readonly TraceStep[]): number[] {
  const places = (steps: readonly TraceStep[]) => steps.map(({ start, rows }) => `${start}+${rows}`).join(" ");
  if (exact.length === 0 || places(exact) !== places(other)) {
    throw new RangeError(
      `agreement: steps at ${places(other) || "none"} are not those of exact selection, ${places(exact)}`,
    );
  }
  return exact.map(({ layers, start }, step) => {
    const shares = layers.flatMap(({ groups, layer }) =>
      groups.map(({ indices, globalCount, windowStart }, group) => {
        const picked = indices.filter((token) => token >= globalCount && token < windowStart);
        if (picked.length === 0) {
          throw new RangeError(`agreement: the step at ${start} picked nothing in layer ${layer}`);
        }
        // Where all heads share a list, there is one for all groups.
        const { groups: lists } = other[step].layers[layer];
        const attended = new Set(lists[Math.min(group, lists.length - 1)].indices);
        return picked.filter((token) => attended.has(token)).length / picked.length;
      })
    );
    return meanOf(shares);
  });
}
