import { type Device, MemoryBudgetError } from "../../gpu/mod.ts";
import { freeDiskBytesNow, memoryLimitBytes } from "../../platform.ts";
import type { OutsideValues } from "./outside_values.ts";
import type { OutsidePages } from "./page_options.ts";
import type { StorageType } from "./storage.ts";

/** What pages of a pool are like. */
interface PageKind {
  readonly pageTokens: number;
  readonly pageBytes: number;
  readonly keyType: StorageType;
  readonly valueType: StorageType;
  readonly host: OutsideValues | undefined;
  readonly outside: OutsidePages;
  readonly outsidePageBytes: number;
  readonly valuesFolder: string | undefined;
}

/**
 * Refuses pages that memory can't hold before the first buffer is made: one layer's pages would be there, and touched, before the last
 * one's are asked for.
 *
 * @throws {MemoryBudgetError} saying how many tokens would fit.
 */
export function checkRoom(device: Device, kind: PageKind, layers: number, pages: number): void {
  if (pages <= 0) return;
  const { memory } = device;
  checkHost(device, kind, layers, pages);
  const bytes = pages * kind.pageBytes * layers;
  // What is kept for reuse can be given up.
  const room = memory.roomBytes + memory.idleBytes;
  if (bytes === 0 || bytes <= room) return;
  memory.check(`keys and values of ${pages * kind.pageTokens} more tokens`, bytes, () => {
    const fitting = Math.floor(room / (kind.pageBytes * layers)) * kind.pageTokens;
    const smaller = kind.keyType !== "int8" || kind.valueType !== "int8" ? ", int8 storage" : "";
    const host = kind.host || device.info.software ? "" : ", values in host memory or in a file";
    return `At most ${fitting} more tokens fit with keys in ${kind.keyType} and values in ${kind.valueType}, a step's own needs ` +
      `aside. Use a shorter context${smaller}${host} or a smaller batch; \`deno task plan\` tells what fits.`;
  });
}

function checkHost({ info, memory, counts }: Device, kind: PageKind, layers: number, pages: number): void {
  if (!kind.host || counts) return;
  const bytes = pages * layers * kind.outsidePageBytes;
  if (kind.host.place === "file") return checkDisk(kind, pages, bytes);
  // A software adapter's memory is the host's too.
  const left = info.software ? memory.roomBytes - pages * layers * kind.pageBytes : memoryLimitBytes();
  if (bytes <= left) return;
  throw new MemoryBudgetError(
    `${whatOf(kind)} of ${pages * kind.pageTokens} more tokens in host memory: ${mebibytes(bytes)} MiB do not fit, ` +
      `${mebibytes(Math.max(0, left))} MiB are left. Use a shorter context, a smaller batch or ${
        whatOf(kind)
      } in a file.`,
  );
}

function checkDisk(kind: PageKind, pages: number, bytes: number): void {
  const { pageTokens, valuesFolder } = kind;
  const left = freeDiskBytesNow(valuesFolder);
  if (bytes <= left) return;
  throw new MemoryBudgetError(
    `${whatOf(kind)} of ${pages * pageTokens} more tokens in a file: ${mebibytes(bytes)} MiB do not fit, ${
      mebibytes(left)
    } MiB are free ` +
      `in ${
        valuesFolder ?? "the system's folder for temporary files"
      }. Use a shorter context, or name another folder (valuesFile).`,
  );
}

function whatOf({ outside }: PageKind): string {
  return outside.keys ? "keys and values" : "values";
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
