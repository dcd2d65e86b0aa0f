import type { Knobs, MethodName } from "../../lib/attention/mod.ts";
import { methodNames } from "../../lib/attention/mod.ts";

/** One row of the table to be. */
export interface DemoJob {
  /** The attention method. */
  method: MethodName;
  /** Tokens of a context together with one question and its answer. */
  length: number;
  /** Contexts to read. */
  haystacks: number;
  /** Questions about each. */
  questionsPerHaystack: number;
  /** What differs from the model's preset. */
  knobs: Partial<Knobs>;
}

/** Needles in every context. */
export const NEEDLES = 8;

/** The demo's plan, tuned by time: everything together has to stay under five minutes on two cores. */
const PLAN: readonly { length: number; haystacks: number; methods: readonly MethodName[] }[] = [
  { length: 512, haystacks: 3, methods: ["full", "streaming", "reattention", "reattention-window"] },
  { length: 2048, haystacks: 3, methods: ["full", "streaming", "reattention", "reattention-window"] },
  { length: 8192, haystacks: 2, methods: ["streaming", "reattention", "reattention-window"] },
  { length: 32768, haystacks: 1, methods: ["reattention-window"] },
  { length: 131072, haystacks: 1, methods: ["reattention-window"] },
];

/** Lengths that run where none are asked for. */
export const plannedLengths: readonly number[] = PLAN.map(({ length }) => length);

/**
 * The rows to run, shortest first. A length that is not in the plan runs as the next longer one there does.
 *
 * @param asked lengths and methods; a method that is named runs at every length
 * @param trainedContext tokens the model was trained with: past it, full attention has to be let through
 */
export function planJobs(
  asked: { lengths?: readonly number[]; methods?: readonly MethodName[] },
  trainedContext: number,
): DemoJob[] {
  return (asked.lengths ?? plannedLengths).flatMap((length) => {
    const planned = PLAN.find((row) => row.length >= length) ?? PLAN[PLAN.length - 1];
    const methods = asked.methods ?? planned.methods;
    return methodNames.filter((name) => methods.includes(name)).map((method): DemoJob => ({
      method,
      length,
      haystacks: planned.haystacks,
      questionsPerHaystack: NEEDLES,
      // The other methods' scope is bounded by their knobs, which fit the trained context.
      knobs: method === "full" && length > trainedContext ? { allowBeyondTrained: true } : {},
    }));
  });
}

/** The row whose selection is pictured: the longest of the methods that select. */
export function picturedJob(jobs: readonly DemoJob[]): DemoJob | undefined {
  return jobs.findLast(({ method }) => method.startsWith("reattention"));
}
