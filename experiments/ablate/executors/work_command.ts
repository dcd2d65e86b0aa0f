import { resolve } from "node:path";

const SCRIPT = decodeURIComponent(new URL("../../ablate.ts", import.meta.url).pathname);

/** The ordinary command for a part of a run: `deno task ablate work RUN`, without the setup that a task does once. */
export function workCommand(run: string): string[] {
  return [Deno.execPath(), "run", "--allow-all", SCRIPT, "work", resolve(run)];
}
