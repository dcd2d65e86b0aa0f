import type { DenoFile } from "./deno_like.ts";
import { failure, shown } from "./error.ts";
import { needDeno } from "./runtime.ts";

/**
 * A file of lines with one writer: it is made anew, so that no other process can have it open for writing, on whatever
 * machine, and it needs no locks. Each line is on the disk before the next.
 */
export class LineFile {
  /** Its path. */
  readonly path: string;
  readonly #file: DenoFile;

  private constructor(path: string, file: DenoFile) {
    this.path = path;
    this.#file = file;
  }

  /**
   * Makes the file, in a folder that is made where it is missing.
   *
   * @throws {PlatformError} where it is there already, can't be made, or in a browser.
   */
  static async create(path: string): Promise<LineFile> {
    const { mkdir, open } = needDeno("writing a file");
    try {
      const folder = path.slice(0, path.lastIndexOf("/"));
      if (folder) await mkdir(folder, { recursive: true });
      return new LineFile(path, await open(path, { write: true, createNew: true }));
    } catch (error) {
      throw failure(`cannot make ${shown(path)}`, error);
    }
  }

  /**
   * Appends a value as a line of JSON. When this returns, the line is on the disk.
   *
   * @throws {PlatformError} if it can't be written; the file may end in half a line then.
   */
  append(value: unknown): void {
    const bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
    try {
      for (let written = 0; written < bytes.length;) written += this.#file.writeSync(bytes.subarray(written));
      this.#file.syncDataSync();
    } catch (error) {
      throw failure(`cannot write ${shown(this.path)}`, error);
    }
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}
