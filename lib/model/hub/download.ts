import {
  freeDiskBytes,
  type Hasher,
  makeHasher,
  openPartial,
  type PartialFile,
  PlatformError,
  removeFile,
  renameFile,
} from "../../platform.ts";
import { ModelFileError } from "../model_file_error.ts";
import { type HubFile, told } from "./hub_files.ts";
import type { HubAccess, RepositoryKind } from "./repository.ts";

/** What a download tells while it runs. */
export interface DownloadProgress {
  /** The file's name. */
  readonly file: string;
  /** Bytes there, those of an earlier attempt included. */
  readonly done: number;
  /** Bytes in all. */
  readonly total: number;
}

/** A file to fetch and where it goes. */
export interface Download {
  readonly repository: string;
  /** What the repository holds. Default "model". */
  readonly kind?: RepositoryKind;
  readonly commit: string;
  readonly file: HubFile;
  readonly access: HubAccess;
  /** Where the whole, checked file comes to be; until then it grows beside it. */
  readonly target: string;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
  /** Milliseconds before the first attempt after a failure; each further one waits twice as long. Default 500. */
  readonly retryDelay?: number;
}

/** Attempts in a row that bring not a byte before it is given up. */
const ATTEMPTS = 5;

/**
 * Fetches a file: goes on with what an earlier attempt left, tries again where the connection breaks, and lets the file
 * appear under its name only when its size and digest are right.
 *
 * @throws {HubRefusal} where the hub says no.
 * @throws {PlatformError} where the connection stays broken or the disk is full; what came so far is kept for next time.
 * @throws {ModelFileError} where the contents are not those the hub announced; nothing is kept.
 */
export async function download(what: Download): Promise<void> {
  const { repository, file, target } = what;
  const incomplete = `${target}.incomplete`;
  const folder = target.slice(0, target.lastIndexOf("/"));
  using partial = await openPartial(incomplete);
  if (partial.size > file.size) await partial.clear();
  const missing = file.size - partial.size;
  const free = await freeDiskBytes(folder);
  if (missing > free) {
    throw new PlatformError(
      `${repository}: ${file.path} needs ${missing} more bytes in ${folder}, but its disk has ${free} free`,
    );
  }
  const resumed = partial.size > 0;
  if (await fill(what, partial) !== file.digest.hex) {
    // What an earlier attempt left can be of another origin: once more from nothing.
    await partial.clear();
    if (!resumed || await fill(what, partial) !== file.digest.hex) {
      await removeFile(incomplete);
      throw new ModelFileError(
        `${repository}: ${file.path} arrived with a wrong checksum (${file.digest.algorithm} should be ${file.digest.hex}): ` +
          "it was damaged on the way; nothing of it was kept, load again",
      );
    }
  }
  await partial.sync();
  await renameFile(incomplete, target);
}

/** Fills the file up to its size and gives its digest. */
async function fill(what: Download, partial: PartialFile): Promise<string> {
  const { file, repository, signal, retryDelay = 500 } = what;
  let failures = 0;
  let hasher = await startHash(file, partial);
  while (partial.size < file.size) {
    signal?.throwIfAborted();
    const before = partial.size;
    try {
      await appendRest(what, partial, hasher);
      if (partial.size < file.size) throw new PlatformError("the connection ended early");
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ResumeRefused) {
        await partial.clear();
        hasher = await startHash(file, partial);
        continue;
      }
      if (!isBrokenConnection(error)) throw error;
      failures = partial.size > before ? 1 : failures + 1;
      if (failures >= ATTEMPTS) {
        throw new PlatformError(
          `${repository}: ${file.path}: the connection broke ${failures} times in a row (${reasonOf(error)}); ` +
            `${partial.size} of ${file.size} bytes are kept, load again to go on from there`,
          { cause: error },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, retryDelay * 2 ** (failures - 1)));
    }
  }
  return hasher.digest("hex");
}

/** The server sends the whole file only. */
class ResumeRefused extends Error {}

/** A network that fails tells it in many ways; a full disk and a refusal are no broken connections. */
function isBrokenConnection(error: unknown): boolean {
  const status = (error as { status?: number }).status;
  if (status !== undefined) return status >= 500;
  return !(error instanceof PlatformError) || error.message === "the connection ended early";
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function startHash({ digest, size }: HubFile, partial: PartialFile): Promise<Hasher> {
  const hasher = await makeHasher(digest.algorithm);
  if (digest.algorithm === "sha1") hasher.update(new TextEncoder().encode(`blob ${size}\0`));
  for await (const piece of partial.pieces()) hasher.update(piece);
  return hasher;
}

async function appendRest(what: Download, partial: PartialFile, hasher: Hasher): Promise<void> {
  const { repository, commit, file, access, onProgress, signal } = what;
  const { downloadFile } = await import("@huggingface/hub");
  const offset = partial.size;
  let failed: unknown;
  const watched: typeof fetch = async (input, init) => {
    try {
      const response = await fetch(input, { ...init, signal });
      const range = new Headers(init?.headers).get("range");
      if (offset > 0 && range?.startsWith(`bytes=${offset}-`) && response.status === 200) {
        await response.body?.cancel();
        throw new ResumeRefused();
      }
      return response;
    } catch (error) {
      failed = error;
      throw error;
    }
  };
  await told(repository, commit, async () => {
    const blob = await downloadFile({
      repo: { type: what.kind ?? "model", name: repository },
      path: file.path,
      revision: commit,
      hubUrl: access.hubUrl,
      accessToken: access.token,
      fetch: watched,
      // Plain requests go on where an earlier attempt ended, and their digest is the one that the hub lists.
      xet: false,
    });
    if (!blob) throw new ModelFileError(`${repository}: has no ${file.path} any more`);
    if (blob.size !== file.size) {
      throw new ModelFileError(`${repository}: ${file.path} has ${blob.size} bytes, but the hub lists ${file.size}`);
    }
    try {
      for await (const bytes of blob.slice(offset, file.size).stream()) {
        await partial.append(bytes);
        hasher.update(bytes);
        onProgress?.({ file: file.path, done: partial.size, total: file.size });
      }
    } catch (error) {
      throw failed ?? error;
    }
  });
}
