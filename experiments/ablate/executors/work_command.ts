import { resolve } from "node:path";
import { environmentVariable } from "../../../lib/platform.ts";

const SCRIPT = decodeURIComponent(new URL("../../ablate.ts", import.meta.url).pathname);

/** The ordinary command for a part of a run: `deno task ablate work RUN`, without the setup that a task does once. */
export function workCommand(run: string): string[] {
  return [Deno.execPath(), "run", "--quiet", "--no-prompt", ...permissions(resolve(run)), SCRIPT, "work", resolve(run)];
}

/** What a worker may do: write into its run and the hub's cache, reach the hub, and what the variable ALLOW adds for all. */
function permissions(run: string): string[] {
  const home = environmentVariable("HF_HOME") ?? `${environmentVariable("HOME") ?? ""}/.cache/huggingface`;
  return [
    "--allow-read",
    // A comma in a path is written twice.
    `--allow-write=${[run, home].map((path) => path.replaceAll(",", ",,")).join(",")}`,
    "--allow-env=HOME,USERPROFILE,XDG_*,HF_*,HUGGING*",
    "--allow-sys=systemMemoryInfo,statfs,hostname",
    "--allow-run=cat,git,/usr/bin/nvidia-smi",
    "--allow-net=huggingface.co,*.huggingface.co,*.hf.co",
    ...(environmentVariable("ALLOW") ?? "").split(/\s+/).filter((word) => word !== ""),
  ];
}
