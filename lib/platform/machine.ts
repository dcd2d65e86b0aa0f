// What is known of the machine and of this process: memory, processor, environment.

import { controlGroupMemoryLeft } from "./memory.ts";
import { isPermitted } from "./permissions.ts";
import { deno } from "./runtime.ts";
import { readSystemFile } from "./system_files.ts";

/** The machine a measurement was made on. */
export interface HostInfo {
  /** Operating system: "linux", "darwin", "windows" and so on, or "browser". */
  readonly os: string;
  /** Logical processors this process may use. */
  readonly cpus: number;
  /** The processor's own name, or its architecture where the name can't be read. */
  readonly cpuModel: string;
  /** Memory of the machine in bytes; 0 where it can't be read. */
  readonly memoryBytes: number;
  /** Version of Deno; "none" in a browser. */
  readonly denoVersion: string;
}

const GIBIBYTE = 2 ** 30;

/**
 * Bytes of memory that this process may still take: the lesser of what the machine has available and what the limits of
 * its control groups (containers) leave. Where that can't be told, as in a browser, 8 GiB or what the browser
 * says the device has, if that is less.
 */
export function memoryLimitBytes(): number {
  const available = systemMemory()?.available;
  if (deno === undefined || available === undefined) {
    const told = (globalThis.navigator as { deviceMemory?: number } | undefined)
      ?.deviceMemory;
    return Math.min(8, told ?? 8) * GIBIBYTE;
  }
  return Math.min(available, controlGroupMemoryLeft(readSystemFile));
}

function systemMemory(): { total: number; available: number } | undefined {
  if (!isPermitted({ name: "sys", kind: "systemMemoryInfo" })) return undefined;
  return deno?.systemMemoryInfo();
}

/** Bytes of memory that this process takes now; 0 where that can't be told. */
export function processMemoryBytes(): number {
  return deno?.memoryUsage().rss ?? 0;
}

/** An environment variable; undefined where it is not set, may not be read, or there is no environment (a browser). */
export function environmentVariable(name: string): string | undefined {
  return isPermitted({ name: "env", variable: name }) ? deno?.env.get(name) : undefined;
}

/** What there is to say about this machine beside a measurement. */
export function hostInfo(): HostInfo {
  const cpus = globalThis.navigator?.hardwareConcurrency ?? 1;
  if (!deno) {
    const platform = { os: "browser", cpuModel: "unknown", memoryBytes: 0 };
    return { ...platform, cpus, denoVersion: "none" };
  }
  const listed = readSystemFile("/proc/cpuinfo");
  const named = /^model name\s*:\s*(.+)$/m.exec(listed ?? "")?.[1] ??
    environmentVariable("PROCESSOR_IDENTIFIER");
  return {
    os: deno.build.os,
    cpus,
    cpuModel: named ?? deno.build.arch,
    memoryBytes: systemMemory()?.total ?? 0,
    denoVersion: deno.version.deno,
  };
}
