import { environmentVariable, PlatformError } from "../../platform.ts";
import { RepositoryCache } from "./cache.ts";
import type { HubOptions } from "./fetch_model.ts";
import { listHubFiles, resolveCommit } from "./hub_files.ts";
import { hubAccess } from "./repository.ts";

/**
 * Makes sure that files of a data set of the hub are in the cache that the Python library keeps too, and tells where. With
 * HF_HUB_OFFLINE set, what is there has to do.
 *
 * @param repository "organization/name"
 * @param wanted which of its files, by their names with folders
 * @returns the folder of the revision's files
 * @throws {HubRefusal} where the hub says no, with what that means.
 * @throws {PlatformError} where hub or disk fail, or no file is wanted.
 *
 * @example One file, of a hub that has no other
 * ```ts
 * import { fetchDataset } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const [sha, oid] = ["0".repeat(40), "ce013625030ba8dba906f756967f9e9ca394464a"];
 * await using hub = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, ({ url }) => {
 *   if (url.includes("/revision/main")) return Response.json({ _id: "1", id: "org/name", sha });
 *   if (url.includes("/tree/")) return Response.json([{ type: "file", path: "a.txt", size: 6, oid }]);
 *   return new Response("hello\n", { status: 206, headers: { etag: `"${oid}"`, "content-range": "bytes 0-5/6" } });
 * });
 * const cacheFolder = await Deno.makeTempDir();
 * const options = { hubUrl: `http://127.0.0.1:${hub.addr.port}`, cacheFolder };
 * const folder = await fetchDataset("org/name", (path) => path.endsWith(".txt"), options);
 * assertEquals(await Deno.readTextFile(`${folder}/a.txt`), "hello\n");
 * await Deno.remove(cacheFolder, { recursive: true });
 * ```
 */
export async function fetchDataset(
  repository: string,
  wanted: (path: string) => boolean,
  options: HubOptions = {},
): Promise<string> {
  const { revision = "main", cacheFolder, onDownload: onProgress, signal, retryDelay } = options;
  const cache = await RepositoryCache.open(repository, cacheFolder, "dataset");
  if (/^(1|on|yes|true)$/i.test(environmentVariable("HF_HUB_OFFLINE") ?? "")) {
    const known = await cache.knownCommit(revision);
    if (known !== undefined) return cache.snapshot(known);
    throw new PlatformError(
      `${repository}: revision "${revision}" is not in the cache, and HF_HUB_OFFLINE forbids to fetch it`,
    );
  }
  const access = await hubAccess(options);
  try {
    const commit = await resolveCommit(repository, revision, access, "dataset");
    const listed = await listHubFiles(repository, commit, access, "dataset");
    const files = [...listed.values()].filter(({ path }) => wanted(path));
    if (files.length === 0) {
      throw new PlatformError(
        `${repository}: none of its files is wanted; it has ${[...listed.keys()].slice(0, 8).join(", ")}`,
      );
    }
    for (const file of files) {
      await cache.ensure({ repository, kind: "dataset", commit, file, access, onProgress, signal, retryDelay });
    }
    await cache.rememberCommit(revision, commit);
    return cache.snapshot(commit);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new PlatformError(`${repository}: cannot reach ${access.hubUrl}: ${error.message}`, { cause: error });
  }
}
