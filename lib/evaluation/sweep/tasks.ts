import { needleSweepTask } from "../needle/sweep_task.ts";
import type { SweepTask } from "./task.ts";

/** All tasks that a spec can name. A task's options are its own: nothing here looks into them. */
export const sweepTasks: readonly SweepTask<unknown>[] = [needleSweepTask as SweepTask<unknown>];

/**
 * The task of a name.
 *
 * @throws {RangeError} for a name that there isn't.
 *
 * @example
 * ```ts
 * import { sweepTask } from "@reattention/toolkit/evaluation";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(sweepTask("needle").name, "needle");
 * assertThrows(() => sweepTask("haystack"), RangeError, 'there is no task "haystack"');
 * ```
 */
export function sweepTask(name: string): SweepTask<unknown> {
  const found = sweepTasks.find((task) => task.name === name);
  if (found) return found;
  throw new RangeError(`there is no task "${name}"; the tasks are ${sweepTasks.map((task) => task.name).join(", ")}`);
}
