/** How a prompt that is too long is cut. */
export type TruncationRule = "longbench_middle" | "exact_middle" | "infllm_suffix";

/** Tokens kept at the start by InfLLM's rule. */
const INFLLM_START = 128;

/**
 * Which tokens of a prompt are kept, as half-open ranges. `longbench_middle`: the first and last `floor(most / 2)` tokens.
 * `exact_middle` (OpenCompass, InfiniteBench): an odd one goes to the end. `infllm_suffix`: the first 128 and the last.
 *
 * @param length tokens of the prompt
 * @param most tokens that may be kept
 * @throws {RangeError} for lengths that are none, or fewer than 128 with `infllm_suffix`.
 *
 * @example
 * ```ts
 * import { keptRanges } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(keptRanges("longbench_middle", 12, 7), [[0, 3], [9, 12]]);
 * assertEquals(keptRanges("exact_middle", 12, 7), [[0, 3], [8, 12]]);
 * ```
 */
export function keptRanges(rule: TruncationRule, length: number, most: number): [number, number][] {
  const least = rule === "infllm_suffix" ? INFLLM_START : 1;
  if (!Number.isInteger(most) || most < least) {
    throw new RangeError(`${rule}: ${most} tokens to keep must be a whole number of at least ${least}`);
  }
  if (length <= most) return [[0, length]];
  const half = Math.floor(most / 2);
  switch (rule) {
    case "longbench_middle":
      return [[0, half], [length - half, length]];
    case "exact_middle":
      return [[0, half], [length - (most - half), length]];
    case "infllm_suffix":
      return [[0, INFLLM_START], [length - (most - INFLLM_START), length]];
  }
}
