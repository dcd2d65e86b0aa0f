import { environmentVariable, PlatformError, readText } from "../../platform.ts";
import { ModelFileError } from "../model_file_error.ts";
import { INDEX, shardNames, SINGLE } from "../weights/safetensors.ts";
import { RepositoryCache } from "./cache.ts";
import type { DownloadProgress } from "./download.ts";
import { firstFiles, type HubFile, listHubFiles, resolveCommit } from "./hub_files.ts";
import { type HubAccess, hubAccess, type HubAccessOptions } from "./repository.ts";

/** Which revision is wanted, where it is kept, and how the hub is asked. */
export interface HubOptions extends HubAccessOptions {
  /** A branch, a tag or a commit. Default "main". */
  revision?: string;
  /** Folder that downloads are kept in. Default: the Python library's, by the same variables (HF_HOME, HF_HUB_CACHE, ...). */
  cacheFolder?: string;
  /** Called with the bytes of each file as they come. */
  onDownload?: (progress: DownloadProgress) => void;
  /** Stops a download; what came so far is kept for next time. */
  signal?: AbortSignal;
  /** Milliseconds before the first attempt after a broken connection. Default 500. */
  retryDelay?: number;
}

const COMMIT = /^[0-9a-f]{40}$/;

/**
 * Makes sure that a model's files are in the cache, and tells where. What is there is not asked for again; where the
 * hub can't be reached (or HF_HUB_OFFLINE is set) what is there has to do.
 *
 * @param repository "organization/name"
 * @returns the folder of the revision's files
 * @throws {HubRefusal} where the hub says no, with what that means.
 * @throws {PlatformError} where hub or disk fail.
 * @throws {ModelFileError} for a repository that is no model that can be loaded, or a file that came damaged.
 *
 * @example A commit that is in the cache is not asked for again
 * ```ts
 * import { fetchModel } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const cacheFolder = await Deno.makeTempDir();
 * const revision = "0123456789abcdef0123456789abcdef01234567";
 * const folder = `${cacheFolder}/models--org--name/snapshots/${revision}`;
 * await Deno.mkdir(folder, { recursive: true });
 * const names = ["config.json", "tokenizer.json", "model.safetensors"];
 * for (const name of names) await Deno.writeTextFile(`${folder}/${name}`, "");
 * assertEquals(await fetchModel("org/name", { revision, cacheFolder }), folder);
 * await Deno.remove(cacheFolder, { recursive: true });
 * ```
 */
export async function fetchModel(repository: string, options: HubOptions = {}): Promise<string> {
  const revision = options.revision ?? "main";
  if (!/^[\w.][\w./-]*$/.test(revision) || revision.includes("..")) {
    throw new RangeError(`revision "${revision}" must be a branch, a tag or a commit`);
  }
  const cache = await RepositoryCache.open(repository, options.cacheFolder);
  const known = COMMIT.test(revision) ? revision : await cache.knownCommit(revision);
  const complete = known !== undefined && await isComplete(cache, known);
  if (complete && known === revision) return cache.snapshot(known);
  const offline = /^(1|on|yes|true)$/i.test(environmentVariable("HF_HUB_OFFLINE") ?? "");
  if (offline) {
    if (complete) return cache.snapshot(known);
    throw new PlatformError(
      `${repository}: revision "${revision}" is not in ${cache.snapshot("")}, and HF_HUB_OFFLINE forbids to fetch it`,
    );
  }
  const access = await hubAccess(options);
  try {
    return await fetchCommit(repository, revision, { cache, access, options });
  } catch (error) {
    const unreachable = error instanceof TypeError;
    if (unreachable && complete) return cache.snapshot(known);
    if (!unreachable) throw error;
    throw new PlatformError(`${repository}: cannot reach ${access.hubUrl}: ${error.message}`, { cause: error });
  }
}

interface Fetching {
  readonly cache: RepositoryCache;
  readonly access: HubAccess;
  readonly options: HubOptions;
}

async function fetchCommit(
  repository: string,
  revision: string,
  { cache, access, options }: Fetching,
): Promise<string> {
  const commit = await resolveCommit(repository, revision, access);
  const files = await listHubFiles(repository, commit, access);
  const { onDownload: onProgress, signal, retryDelay } = options;
  const ensure = (file: HubFile) => cache.ensure({ repository, commit, file, access, onProgress, signal, retryDelay });
  for (const file of firstFiles(repository, files)) await ensure(file);
  if (!files.has(SINGLE)) {
    for (const name of await shardsIn(cache.snapshot(commit))) {
      const file = files.get(name);
      if (!file) throw new ModelFileError(`${repository}: ${INDEX} names ${name}, which the repository does not have`);
      await ensure(file);
    }
  }
  await cache.rememberCommit(revision, commit);
  return cache.snapshot(commit);
}

/** Whether a commit can be loaded without asking for anything. */
async function isComplete(cache: RepositoryCache, commit: string): Promise<boolean> {
  if (!await cache.has(commit, "config.json") || !await cache.has(commit, "tokenizer.json")) return false;
  if (await cache.has(commit, SINGLE)) return true;
  if (!await cache.has(commit, INDEX)) return false;
  for (const name of await shardsIn(cache.snapshot(commit))) {
    if (!await cache.has(commit, name)) return false;
  }
  return true;
}

async function shardsIn(snapshot: string): Promise<string[]> {
  return shardNames(await readText(`${snapshot}/${INDEX}`));
}
