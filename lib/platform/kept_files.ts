// Files that are made, renamed, linked and locked: what a cache on the disk needs.

import type { DenoFile, DenoLike } from "./deno_like.ts";
import { failure, shown } from "./error.ts";
import { PartialFile } from "./partial_file.ts";
import { deno, needDeno } from "./runtime.ts";
import { ScratchFile } from "./scratch_file.ts";

/** Whether there are files to write: false in a browser. */
export function hasFiles(): boolean {
  return deno !== undefined;
}

/**
 * Opens a file that grows by appending, in a folder that is made where it is missing.
 *
 * @throws {PlatformError} if it can't be opened, or in a browser.
 */
export async function openPartial(path: string): Promise<PartialFile> {
  try {
    return await PartialFile.open(await inFolder(path), path);
  } catch (error) {
    throw failure(`cannot write ${shown(path)}`, error);
  }
}

/**
 * Makes a file for bytes that are too many for memory and wanted by this process alone.
 *
 * @param folder default: the system's folder for temporary files
 * @throws {PlatformError} if it can't be made, or in a browser.
 */
export function openScratch(folder?: string): ScratchFile {
  return new ScratchFile(needDeno("making a file for values"), folder);
}

/**
 * Runs `act` while no other process that asks for the same lock does, this program's or another's (flock).
 *
 * @param path the lock's file, which stays
 * @throws {PlatformError} if the lock can't be had, or in a browser.
 */
export async function withFileLock<T>(path: string, act: () => Promise<T>): Promise<T> {
  let file: DenoFile;
  try {
    file = await (await inFolder(path)).open(path, { write: true, create: true });
  } catch (error) {
    throw failure(`cannot lock ${shown(path)}`, error);
  }
  try {
    await file.lock(true);
    return await act();
  } finally {
    // Closing gives the lock back.
    file.close();
  }
}

/** Renames a file. */
export async function renameFile(from: string, to: string): Promise<void> {
  try {
    await (await inFolder(to)).rename(from, to);
  } catch (error) {
    throw failure(`cannot rename ${shown(from)} to ${shown(to)}`, error);
  }
}

/** Removes a file, if it is there. */
export async function removeFile(path: string): Promise<void> {
  await needDeno("removing a file").remove(path).catch(() => {});
}

/** Removes a folder with all that is in it, if it is there. */
export async function removeFolder(path: string): Promise<void> {
  await needDeno("removing a folder").remove(path, { recursive: true }).catch(() => {});
}

/**
 * Makes `path` stand for another file: a symbolic link, or a copy where the system makes none.
 *
 * @param target the file, from the link's folder
 * @param path where the link comes to be; a broken one is replaced
 * @throws {PlatformError} if neither can be made, or in a browser.
 */
export async function linkFile(target: string, path: string): Promise<void> {
  const { symlink, copyFile } = await inFolder(path);
  await removeFile(path);
  try {
    await symlink(target, path);
  } catch {
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    await copyFile(folder + target, path).catch((error) => {
      throw failure(`cannot link ${shown(path)}`, error);
    });
  }
}

/**
 * Names of all files in a folder and in those inside it, sorted, with slashes between folders.
 *
 * @throws {PlatformError} if the folder is missing or can't be read, or in a browser.
 */
export async function listFiles(folder: string): Promise<string[]> {
  const { readDir, stat } = needDeno("reading a folder");
  const names: string[] = [];
  const visit = async (inside: string): Promise<void> => {
    for await (const { name, isDirectory, isSymlink } of readDir(`${folder}/${inside}`)) {
      if (name.startsWith(".")) continue;
      const path = `${inside}${name}`;
      // Folders behind links are left out: they can lead in circles. A broken link is no file.
      if (isDirectory) await visit(`${path}/`);
      else if (!isSymlink || await isFile(stat(`${folder}/${path}`))) names.push(path);
    }
  };
  try {
    await visit("");
  } catch (error) {
    throw failure(`cannot read the folder ${shown(folder)}`, error);
  }
  return names.sort();
}

async function isFile(looked: Promise<object>): Promise<boolean> {
  try {
    return (await looked as { isFile: boolean }).isFile;
  } catch {
    return false;
  }
}

/** The system, once the folder of a file to write is there. */
async function inFolder(path: string): Promise<DenoLike> {
  const deno = needDeno("writing a file");
  const folder = path.slice(0, path.lastIndexOf("/"));
  if (folder) await deno.mkdir(folder, { recursive: true });
  return deno;
}
