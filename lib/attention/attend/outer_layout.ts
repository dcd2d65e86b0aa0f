import type { Knobs } from "../knobs/knobs.ts";
import type { StepLayout, StepShape } from "../step.ts";

/**
 * Sinks and window with nothing between; all tokens where they fill no more than that (ALGORITHM section 3).
 *
 * @example
 * ```ts
 * import { outerLayout, presets } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * const step = { length: 1000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertEquals(outerLayout(step, presets.demo), { mode: "window", leading: 32, windowStart: 1000 - 256 });
 * assertEquals(outerLayout({ ...step, length: 100 }, presets.demo).mode, "full");
 * ```
 */
export function outerLayout(
  { length }: StepShape,
  { globalSize, window }: Readonly<Knobs>,
): StepLayout {
  if (length <= globalSize + window) {
    return { mode: "full", leading: length, windowStart: length };
  }
  return { mode: "window", leading: globalSize, windowStart: length - window };
}

/**
 * First token of the window in a selecting step, shortened so that the middle is a positive multiple of `align`
 * (ALGORITHM section 4).
 */
export function alignedWindowStart(
  length: number,
  { globalSize, window, align }: Readonly<Knobs>,
): number {
  if (align === 0) return length - window;
  return length - window + (align - (length - globalSize - window) % align);
}
