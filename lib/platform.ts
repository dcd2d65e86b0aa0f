/**
 * The toolkit's only door to the machine it runs on: files, environment, subprocesses, memory.
 * Reading a URL works in a browser too (by fetch); what a browser can't do throws a {@linkcode PlatformError}.
 */

import { folderUrlFrom, workingFolderUrl } from "./platform/addresses.ts";
import type { DenoFile } from "./platform/deno_like.ts";
import { type ByteRange, checkRange, failure, PlatformError, shown, tooShort } from "./platform/error.ts";
import { nvidiaMemoryLeft } from "./platform/gpu_memory.ts";
import { isPermitted } from "./platform/permissions.ts";
import { deno, needDeno } from "./platform/runtime.ts";
import { readRemote, remoteExists, remoteSize } from "./platform/remote.ts";

export { fileInside } from "./platform/addresses.ts";
export { type Cell, Database } from "./platform/database.ts";
export { type ByteRange, PlatformError } from "./platform/error.ts";
export {
  environmentVariable,
  type HostInfo,
  hostInfo,
  memoryLimitBytes,
  processMemoryBytes,
} from "./platform/machine.ts";
export {
  hasFiles,
  linkFile,
  listFiles,
  openPartial,
  openScratch,
  removeFile,
  removeFolder,
  renameFile,
  withFileLock,
} from "./platform/kept_files.ts";
export { LineFile } from "./platform/line_file.ts";
export { freeDiskBytes, freeDiskBytesNow, type Hasher, makeHasher, type PartialFile } from "./platform/partial_file.ts";
export { isRunning, type ProcessName, thisProcess } from "./platform/process.ts";
export type { ScratchFile } from "./platform/scratch_file.ts";
export { type FetchedRange, fetchRange } from "./platform/remote.ts";
export { peakProcessBytes, readSystemFile } from "./platform/system_files.ts";

/** What a subprocess left behind. */
export interface CommandResult {
  /** Its exit code; 0 is success. */
  readonly code: number;
  /** All of its standard output. */
  readonly stdout: string;
  /** All of its standard error. */
  readonly stderr: string;
}

/** In a browser every address goes through fetch, relative ones included. */
function isRemote(source: string | URL): boolean {
  return !deno || /^(https?|data|blob):/i.test(String(source));
}

/** A "file:..." string as a URL: Deno takes it in no other form. */
function local(source: string | URL): string | URL {
  return typeof source === "string" && /^file:/i.test(source) ? new URL(source) : source;
}

/** What `act` gives, or undefined where it fails: the file is missing, or a permission was not given. */
function orUndefined<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

/**
 * A folder's URL, with a slash at its end so that file names resolve inside it.
 *
 * @param folder a URL, or a local path, relative ones against the working folder (in a browser: the page)
 */
export function folderUrl(folder: string | URL): URL {
  const page = (globalThis as { location?: { href: string } }).location?.href;
  return folderUrlFrom(folder, deno ? workingFolderUrl(deno.cwd()) : new URL(page ?? "file:///"));
}

/**
 * Reads a file, or just a part of it. Local parts are read by seeking; remote ones are asked for with a Range header,
 * and cut out of the whole where the server sends that.
 *
 * @param source a local path, or a file:, http(s):, data: or blob: URL; in a browser anything fetch takes
 * @param range default: the whole file
 * @throws {PlatformError} if the file is missing, can't be read, or ends before the range does.
 * @throws {RangeError} if the range is none.
 */
export async function readBytes(
  source: string | URL,
  range?: ByteRange,
): Promise<Uint8Array<ArrayBuffer>> {
  if (range) checkRange(range);
  if (isRemote(source)) return await readRemote(source, range);
  let file: DenoFile | undefined;
  try {
    file = await needDeno("reading a file").open(local(source), { read: true });
    const { size } = await file.stat();
    const { start, end } = range ?? { start: 0, end: size };
    if (end > size) throw tooShort(source, { start, end }, size);
    const bytes = new Uint8Array(end - start);
    if (start > 0) await file.seek(start, 0);
    for (let filled = 0; filled < bytes.length;) {
      const got = await file.read(bytes.subarray(filled));
      if (got === null) throw tooShort(source, { start, end }, start + filled);
      filled += got;
    }
    return bytes;
  } catch (error) {
    throw failure(`cannot read ${shown(source)}`, error);
  } finally {
    file?.close();
  }
}

/**
 * Reads a whole file as UTF-8 text.
 *
 * @throws {PlatformError} if the file is missing, can't be read, or isn't UTF-8.
 */
export async function readText(source: string | URL): Promise<string> {
  const bytes = await readBytes(source);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    const what = `${shown(source)} is not UTF-8 text`;
    throw new PlatformError(what, { cause: error });
  }
}

/**
 * Size of a file in bytes, without reading it (unless a server tells it in no other way).
 *
 * @throws {PlatformError} if the file is missing or can't be looked at.
 */
export async function fileSize(source: string | URL): Promise<number> {
  if (isRemote(source)) return await remoteSize(source);
  try {
    return (await needDeno("reading a file").stat(local(source))).size;
  } catch (error) {
    throw failure(`cannot read ${shown(source)}`, error);
  }
}

/**
 * Whether a file (or a local folder) is there.
 *
 * @throws {PlatformError} if that can't be told: the server can't be reached, or a permission is missing.
 */
export async function fileExists(source: string | URL): Promise<boolean> {
  if (isRemote(source)) return await remoteExists(source);
  try {
    await needDeno("looking for a file").stat(local(source));
    return true;
  } catch (error) {
    const name = (error as Error).name;
    if (name === "NotFound" || name === "NotADirectory") return false;
    throw failure(`cannot look at ${shown(source)}`, error);
  }
}

/**
 * Writes a file so that nobody ever sees half of it: into a temporary file of the same folder, flushed to the disk, then
 * renamed over the old one. Missing folders are made. After a failure the old file is unchanged and the temporary one gone.
 *
 * @param path a local path or a file: URL
 * @param contents text is written as UTF-8
 * @throws {PlatformError} if it can't be written, or in a browser.
 */
export async function writeAside(
  path: string | URL,
  contents: string | Uint8Array,
): Promise<void> {
  const { mkdir, open, rename, remove } = needDeno("writing a file");
  const { folder, temporary } = besides(path);
  const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
  let made = false;
  try {
    if (folder) await mkdir(local(folder), { recursive: true });
    const file = await open(temporary, { write: true, createNew: true });
    made = true;
    try {
      for (let written = 0; written < bytes.length;) {
        written += await file.write(bytes.subarray(written));
      }
      await file.sync();
    } finally {
      file.close();
    }
    await rename(temporary, local(path));
  } catch (error) {
    if (made) await remove(temporary).catch(() => {});
    throw failure(`cannot write ${shown(path)}`, error);
  }
}

/**
 * Looks whether `writeAside` could write a file, so that work of hours is not begun whose result can't be kept. Missing folders are
 * made; nothing else is left behind.
 *
 * @throws {PlatformError} if it can't be written, or in a browser.
 */
export async function checkWritable(path: string | URL): Promise<void> {
  const { mkdir, open, remove, stat } = needDeno("writing a file");
  const { folder, temporary } = besides(path);
  try {
    if (folder) await mkdir(local(folder), { recursive: true });
    (await open(temporary, { write: true, createNew: true })).close();
    await remove(temporary);
  } catch (error) {
    throw failure(`cannot write ${shown(path)}`, error);
  }
  if (await fileExists(path) && (await stat(local(path))).isDirectory) {
    throw new PlatformError(`cannot write ${shown(path)}: it is a folder`);
  }
}

/** A file's folder, and the temporary file in it that takes the contents at first. */
function besides(path: string | URL): { folder: string | undefined; temporary: string | URL } {
  const [, folder, name] = /^(.*[/\\])?([^/\\]*)$/s.exec(String(path))!;
  return { folder, temporary: local(`${folder ?? ""}.${name}.${crypto.randomUUID().slice(0, 8)}.tmp`) };
}

/** Bytes left in a GPU's memory, where it is NVIDIA's and its driver's own tool tells; undefined for any other. */
export async function gpuMemoryLeftBytes(): Promise<number | undefined> {
  if (!deno) return undefined;
  return await nvidiaMemoryLeft(async (command, args) => {
    if (!isPermitted({ name: "run", command })) return undefined;
    try {
      const { code, stdout } = await runCommand(command, args);
      return code === 0 ? stdout : undefined;
    } catch {
      return undefined;
    }
  });
}

/** Whether a person sits at this end of the stream; false in a browser. */
export function isTerminal(
  stream: "stdin" | "stdout" | "stderr" = "stderr",
): boolean {
  return deno?.[stream].isTerminal() ?? false;
}

/**
 * Runs a program to its end, without a shell and with no input.
 *
 * @param command the program's name or path
 * @param args passed as they are
 * @throws {PlatformError} if there is no such program, it may not be run, or in a browser.
 */
export async function runCommand(
  command: string,
  args: readonly string[] = [],
): Promise<CommandResult> {
  const { Command } = needDeno("running a program");
  try {
    const options = { args: [...args], stdin: "null" };
    const { code, stdout, stderr } = await new Command(command, options)
      .output();
    const text = new TextDecoder();
    return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
  } catch (error) {
    const missing = (error as Error).name === "NotFound";
    throw failure(
      `cannot run ${command}`,
      missing ? new Error("no such program") : error,
    );
  }
}

/**
 * Shows data below the running cell of a Deno notebook.
 *
 * @param bundle the same thing as several types of output, by MIME type
 * @param options `id` names the output; with `update` it takes the place of the one of that name
 * @throws {PlatformError} outside a notebook.
 */
export async function jupyterDisplay(
  bundle: Readonly<Record<string, unknown>>,
  { id, update = false }: { id?: string; update?: boolean } = {},
): Promise<void> {
  // In any other run of Deno reading the property already throws.
  const jupyter = orUndefined(() => deno?.jupyter);
  if (!jupyter) throw new PlatformError("showing a figure needs a notebook with Deno's kernel, which this is not");
  await jupyter.display(bundle, { raw: true, ...(id === undefined ? {} : { display_id: id, update }) });
}
