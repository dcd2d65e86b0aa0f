import type { Device } from "../../lib/gpu/mod.ts";
import { hostInfo, writeAside } from "../../lib/platform.ts";

/** Writes the page, and the rows where they are wanted. */
export async function writeResults(
  { json, out }: { json?: string; out: string },
  page: string,
  rows: readonly unknown[],
): Promise<void> {
  if (json !== undefined) {
    await writeAside(json, `${JSON.stringify(rows, null, 1)}\n`);
    console.log(`rows: ${json}`);
  }
  const report = `${out.replace(/\/+$/, "")}/report.html`;
  await writeAside(report, page);
  console.log(`page: ${report}`);
}

/** The day, as 2026-01-31. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** Adapter, processor and Deno, in words. */
export function describeMachine({ info }: Device): string {
  const { cpuModel, cpus, denoVersion } = hostInfo();
  return `${info.name}${info.software ? " (software)" : ""}, ${cpuModel}, ${cpus} CPUs, Deno ${denoVersion}`;
}
