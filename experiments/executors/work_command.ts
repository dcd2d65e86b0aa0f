import { resolve } from "node:path";
import { environmentVariable } from "../../lib/platform.ts";

/** The ordinary command for a part of a run: `deno task ablate work RUN`, without the setup that a task does once. */
export function workCommand(run: string): string[] {
  return scriptCommand("ablate", [resolve(run)], ["work", resolve(run)]);
}

/** A script of `experiments` with what its workers may do, writing into these folders. */
export function scriptCommand(name: string, writes: readonly string[], args: readonly string[]): string[] {
  const script = decodeURIComponent(new URL(`../${name}.ts`, import.meta.url).pathname);
  return [Deno.execPath(), "run", "--quiet", "--no-prompt", ...permissions(writes), script, ...args];
}

/** What a worker may do: write into these folders and the hub's cache, reach the hub, and what the variable ALLOW adds for all. */
function permissions(writes: readonly string[]): string[] {
  const home = environmentVariable("HF_HOME") ?? `${environmentVariable("HOME") ?? ""}/.cache/huggingface`;
  return [
    "--allow-read",
    // A comma in a path is written twice.
    `--allow-write=${[...writes, home].map((path) => path.replaceAll(",", ",,")).join(",")}`,
    "--allow-env=HOME,USERPROFILE,XDG_*,HF_*,HUGGING*",
    "--allow-sys=systemMemoryInfo,statfs,hostname",
    "--allow-run=cat,git,/usr/bin/nvidia-smi",
    "--allow-net=huggingface.co,*.huggingface.co,*.hf.co",
    ...(environmentVariable("ALLOW") ?? "").split(/\s+/).filter((word) => word !== ""),
  ];
}
