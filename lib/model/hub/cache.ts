import { fileExists, linkFile, readText, withFileLock, writeAside } from "../../platform.ts";
import { type Download, download } from "./download.ts";
import type { RepositoryKind } from "./repository.ts";

/** One repository's folder in the cache that the Python library keeps too: refs, blobs by ETag, snapshots of links to them. */
export class RepositoryCache {
  readonly #folder: string;
  readonly #locks: string;

  /** The repository's folder in a cache folder; nothing is made yet. */
  private constructor(cacheFolder: string, name: string) {
    this.#folder = `${cacheFolder}/${name}`;
    this.#locks = `${cacheFolder}/.locks/${name}`;
  }

  /** `cacheFolder` default: what HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME or XDG_CACHE_HOME say, or the user's own. */
  static async open(
    repository: string,
    cacheFolder?: string,
    kind: RepositoryKind = "model",
  ): Promise<RepositoryCache> {
    const { getHFHubCachePath, getRepoFolderName } = await import("@huggingface/hub");
    const folder = (cacheFolder ?? getHFHubCachePath()).replace(/[/\\]+$/, "");
    return new RepositoryCache(folder, getRepoFolderName({ name: repository, type: kind }));
  }

  /** Folder of a commit's files. */
  snapshot(commit: string): string {
    return `${this.#folder}/snapshots/${commit}`;
  }

  /** The commit that a branch or tag stood for when it was last asked; undefined where it never was. */
  async knownCommit(revision: string): Promise<string | undefined> {
    const path = `${this.#folder}/refs/${revision}`;
    return await fileExists(path) ? (await readText(path)).trim() : undefined;
  }

  /** Takes down what a branch or tag stands for now. */
  async rememberCommit(revision: string, commit: string): Promise<void> {
    if (revision !== commit) await writeAside(`${this.#folder}/refs/${revision}`, commit);
  }

  /** Whether a commit's file is there, whole. */
  async has(commit: string, path: string): Promise<boolean> {
    return await fileExists(`${this.snapshot(commit)}/${path}`);
  }

  /** Makes sure that a commit's file is there, downloading it where no snapshot has had it yet. */
  async ensure(what: Omit<Download, "target">): Promise<void> {
    const { commit, file: { path, etag } } = what;
    if (await this.has(commit, path)) return;
    const target = `${this.#folder}/blobs/${etag}`;
    await withFileLock(`${this.#locks}/${etag}.lock`, async () => {
      if (!await fileExists(target)) await download({ ...what, target });
      const up = "../".repeat(path.split("/").length + 1);
      await linkFile(`${up}blobs/${etag}`, `${this.snapshot(commit)}/${path}`);
    });
  }
}
