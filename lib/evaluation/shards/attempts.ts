import { listFiles } from "../../platform.ts";

/**
 * Where a task of a run on a shared disk keeps its files.
 *
 * @example
 * ```ts
 * import { taskFolder } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(taskFolder("/shared/run", 7), "/shared/run/tasks/00007");
 * ```
 */
export function taskFolder(run: string, task: number): string {
  return `${run}/tasks/${String(task).padStart(5, "0")}`;
}

/**
 * A name that no other attempt has; names of later ones come later.
 *
 * @example
 * ```ts
 * import { attemptName } from "@reattention/toolkit/evaluation";
 * import { assertMatch } from "@std/assert";
 *
 * assertMatch(attemptName(), /^\d{8}T\d{6}Z-[0-9a-f]{8}$/);
 * ```
 */
export function attemptName(): string {
  return `${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}-${crypto.randomUUID().slice(0, 8)}`;
}

/** The files of one kind that a task's attempts wrote, `KIND.ATTEMPT.jsonl`, the oldest first. */
export async function attemptFiles(folder: string, kind: string): Promise<string[]> {
  const names = await listFiles(folder);
  return names.filter((name) => name.startsWith(`${kind}.`) && name.endsWith(".jsonl"))
    .map((name) => `${folder}/${name}`);
}

/** Two attempts may have ended the same thing: a result goes before an error, and else the first stays. */
export function keepBetter<Ended extends { readonly status: "done" | "failed" }>(
  all: Map<string, Ended>,
  key: string,
  ended: Ended,
): void {
  const known = all.get(key);
  if (!known || (known.status === "failed" && ended.status === "done")) all.set(key, ended);
}
