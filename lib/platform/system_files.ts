// Small files in which Linux tells of itself: those under /proc and /sys.

import { isPermitted } from "./permissions.ts";
import { deno } from "./runtime.ts";

/**
 * The text of a file under /proc or /sys; undefined where there is none, or it may not be read. Deno opens them only for
 * programs that may do everything. For others `cat` reads them, where it may be run: it is given nothing but their names.
 *
 * @param path with "self" in place of a process's number: this process
 */
export function readSystemFile(path: string): string | undefined {
  if (!deno || deno.build.os !== "linux") return undefined;
  // To cat, "self" would be cat.
  const absolute = path.replace(/^\/proc\/self\//, `/proc/${deno.pid}/`);
  if (!/^\/(proc|sys)\//.test(absolute) || absolute.includes("..")) return undefined;
  try {
    return deno.readTextFileSync(absolute);
  } catch (error) {
    if ((error as Error).name !== "NotCapable" || !isPermitted({ name: "run", command: "cat" })) return undefined;
  }
  try {
    const options = { args: [absolute], stdin: "null", stdout: "piped", stderr: "null" };
    const { code, stdout } = new deno.Command("cat", options).outputSync();
    return code === 0 ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}

/** The most memory that this process ever took, in bytes; undefined where that can't be told. */
export function peakProcessBytes(): number | undefined {
  const kibibytes = /^VmHWM:\s*(\d+) kB/m.exec(readSystemFile("/proc/self/status") ?? "")?.[1];
  return kibibytes === undefined ? undefined : 1024 * Number(kibibytes);
}
