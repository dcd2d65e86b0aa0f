// This process among others: who it is, and whether one that left its name still runs.

import { deno } from "./runtime.ts";
import { readSystemFile } from "./system_files.ts";

/** A process, told apart from all others that ever ran. */
export interface ProcessName {
  /** The machine. */
  readonly host: string;
  /** The machine's start; empty where it can't be told. */
  readonly boot: string;
  /** The process's number. */
  readonly pid: number;
  /** When it started, in the system's own count; empty where it can't be told. */
  readonly started: string;
}

/** State and start of a process from Linux's /proc: the name between brackets may hold anything. */
function statusOf(pid: number): { state: string; started: string } | undefined {
  const fields = readSystemFile(`/proc/${pid}/stat`)?.replace(/^.*\)/s, "").trim().split(" ");
  return fields && { state: fields[0], started: fields[19] };
}

function bootOf(): string {
  return readSystemFile("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
}

/** This process. In a browser: a name of its own. */
export function thisProcess(): ProcessName {
  if (!deno) return { host: "browser", boot: "", pid: 0, started: crypto.randomUUID() };
  const { pid } = deno;
  return { host: deno.hostname(), boot: bootOf(), pid, started: statusOf(pid)?.started ?? "" };
}

/** Whether a process still runs; undefined for one of another machine. */
export function isRunning({ host, boot, pid, started }: ProcessName): boolean | undefined {
  if (!deno || host !== deno.hostname()) return undefined;
  if (boot !== bootOf()) return false;
  const status = statusOf(pid);
  // One that ended and waits for its parent to notice ("Z") runs no more; a number that was given out again is another's.
  if (started !== "") return status !== undefined && !/[ZX]/.test(status.state) && status.started === started;
  return pid === deno.pid || undefined;
}
