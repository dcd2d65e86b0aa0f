import type { DenoFile, DenoLike } from "./deno_like.ts";
import { failure, shown } from "./error.ts";

/** Bytes read at a time from what is already there. */
const PIECE = 4 * 2 ** 20;

/** A digest that grows with the bytes it is given. */
export interface Hasher {
  /** Takes in more bytes. */
  update(bytes: Uint8Array): unknown;
  /** The digest of all bytes; none can follow. */
  digest(encoding: "hex"): string;
}

/** A digest of bytes that come in pieces, which the web's own cryptography doesn't offer. */
export async function makeHasher(algorithm: "sha256" | "sha1"): Promise<Hasher> {
  // A name in a variable keeps bundlers for browsers from looking for the module.
  const name = "node:crypto";
  const { createHash } = await import(name) as { createHash(algorithm: string): Hasher };
  return createHash(algorithm);
}

/** Bytes free to this user on the disk of a folder; Infinity where that can't be told. */
export async function freeDiskBytes(folder: string): Promise<number> {
  const name = "node:fs/promises";
  try {
    const { statfs } = await import(name) as { statfs(path: string): Promise<{ bavail: number; bsize: number }> };
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return Infinity;
  }
}

/** The same without a wait, for a folder or the system's folder for temporary files. */
export function freeDiskBytesNow(folder?: string): number {
  const builtin = (globalThis as { process?: { getBuiltinModule?(name: string): unknown } }).process?.getBuiltinModule;
  try {
    const { statfsSync } = builtin!("node:fs") as { statfsSync(path: string): { bavail: number; bsize: number } };
    const { tmpdir } = builtin!("node:os") as { tmpdir(): string };
    const { bavail, bsize } = statfsSync(folder ?? tmpdir());
    return bavail * bsize;
  } catch {
    return Infinity;
  }
}

/** A file that grows by appending and keeps what it has when that is interrupted. */
export class PartialFile {
  readonly #path: string;
  readonly #file: DenoFile;
  #size: number;

  private constructor(path: string, file: DenoFile, size: number) {
    this.#path = path;
    this.#file = file;
    this.#size = size;
  }

  /** Opens the file at `path`, with what earlier attempts left in it. */
  static async open(deno: DenoLike, path: string): Promise<PartialFile> {
    const file = await deno.open(path, { read: true, write: true, create: true });
    return new PartialFile(path, file, (await file.stat()).size);
  }

  /** Bytes it has. */
  get size(): number {
    return this.#size;
  }

  /** What it has, from the start, piece by piece. */
  async *pieces(): AsyncGenerator<Uint8Array, void, void> {
    await this.#file.seek(0, 0);
    const piece = new Uint8Array(Math.min(PIECE, this.#size));
    for (let done = 0; done < this.#size;) {
      const got = await this.#file.read(piece.subarray(0, Math.min(piece.length, this.#size - done)));
      if (got === null) return;
      done += got;
      yield piece.subarray(0, got);
    }
  }

  /** Appends bytes. */
  async append(bytes: Uint8Array): Promise<void> {
    try {
      await this.#file.seek(this.#size, 0);
      for (let written = 0; written < bytes.length;) {
        const count = await this.#file.write(bytes.subarray(written));
        written += count;
        this.#size += count;
      }
    } catch (error) {
      throw failure(`cannot write ${shown(this.#path)}`, error);
    }
  }

  /** Forgets what it has. */
  async clear(): Promise<void> {
    await this.#file.truncate(0);
    this.#size = 0;
  }

  /** Brings all of it to the disk. */
  async sync(): Promise<void> {
    try {
      await this.#file.sync();
    } catch (error) {
      throw failure(`cannot write ${shown(this.#path)}`, error);
    }
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}
