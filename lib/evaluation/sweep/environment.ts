import type { DeviceInfo } from "../../gpu/mod.ts";
import { hostInfo, readText, runCommand } from "../../platform.ts";
import type { Environment } from "./record.ts";

const ROOT = new URL("../../../", import.meta.url);

/** What there is to say about where trials are measured. */
export async function describeEnvironment(
  { name, software }: Pick<DeviceInfo, "name" | "software">,
): Promise<Environment> {
  const { cpuModel, os, denoVersion } = hostInfo();
  return {
    adapter: name,
    software,
    cpu: cpuModel,
    os,
    deno: denoVersion,
    toolkit: await toolkitVersion(),
    commit: await commit(),
  };
}

/** Version of this toolkit. */
export async function toolkitVersion(): Promise<string> {
  try {
    return JSON.parse(await readText(new URL("deno.json", ROOT))).version;
  } catch {
    return "unknown";
  }
}

/** Of this toolkit's own folder; without Git, a clone or a disk there is none. */
async function commit(): Promise<string | null> {
  if (ROOT.protocol !== "file:") return null;
  const git = async (...args: string[]) => {
    const { code, stdout } = await runCommand("git", ["-C", decodeURIComponent(ROOT.pathname), ...args]);
    return code === 0 ? stdout.trim() : undefined;
  };
  try {
    const head = await git("rev-parse", "--short=12", "HEAD");
    if (!head) return null;
    return await git("status", "--porcelain", "--untracked-files=no", "--", "lib", "kernels") ? `${head}+` : head;
  } catch {
    return null;
  }
}
