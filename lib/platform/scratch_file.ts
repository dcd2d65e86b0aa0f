import type { DenoFile, DenoLike } from "./deno_like.ts";
import { failure, shown } from "./error.ts";

/** Reads that can be under way at the same time. */
const READERS = 4;

/**
 * A file of bytes that are too many for memory and wanted by this process alone. Where the system allows it, the file has no name
 * once it is open: nobody can take it away, and its room on the disk is free again however the process ends.
 */
export class ScratchFile {
  readonly #folder: string;
  readonly #path: string;
  readonly #remove: () => void;
  readonly #writer: DenoFile;
  /** Copies have a place of their own in the file: another's would move under a read or write that is under way. */
  readonly #copier: DenoFile;
  readonly #idle: DenoFile[];
  readonly #waiting: ((reader: DenoFile) => void)[] = [];
  #writing: Promise<void> = Promise.resolve();
  #named: boolean;
  #closed = false;

  /**
   * Makes an empty file in a folder.
   *
   * @param folder default: the system's folder for temporary files
   * @throws {PlatformError} where it can't be made.
   */
  constructor(deno: DenoLike, folder: string | undefined) {
    this.#folder = folder ?? "the system's temporary folder";
    const handles: DenoFile[] = [];
    try {
      this.#path = deno.makeTempFileSync({ prefix: "reattention-", suffix: ".tmp", ...(folder && { dir: folder }) });
      this.#remove = () => deno.removeSync(this.#path);
      for (let handle = 0; handle < READERS + 2; handle++) {
        handles.push(deno.openSync(this.#path, { read: true, write: handle < 2 }));
      }
    } catch (error) {
      for (const handle of handles) handle.close();
      throw failure(`cannot make a file in ${shown(this.#folder)}`, error);
    }
    [this.#writer, this.#copier, ...this.#idle] = handles;
    // A system that keeps open files' names removes it at the end.
    this.#named = !this.#removed();
  }

  /**
   * Writes bytes at a place; writes follow one another in the order they were asked for.
   *
   * @throws {PlatformError} where the disk is full, say; bytes written before stay.
   */
  write(offset: number, bytes: Uint8Array): Promise<void> {
    const written = this.#writing.then(() => this.#write(offset, bytes));
    this.#writing = written.catch(() => {});
    return written;
  }

  /**
   * Reads bytes from a place.
   *
   * @throws {PlatformError} where it can't, or the file ends before.
   */
  async read(offset: number, into: Uint8Array): Promise<void> {
    if (this.#closed) throw this.#failed("read from", new Error("it was given back"));
    const reader = this.#idle.pop() ?? await new Promise<DenoFile>((resolve) => this.#waiting.push(resolve));
    try {
      this.#check();
      reader.seekSync(offset, 0);
      for (let filled = 0; filled < into.length;) {
        const got = await reader.read(into.subarray(filled));
        if (got === null) throw new Error(`it ends before byte ${offset + into.length}`);
        filled += got;
      }
    } catch (error) {
      throw this.#failed("read from", error);
    } finally {
      const next = this.#waiting.shift();
      if (next) next(reader);
      else this.#idle.push(reader);
      if (this.#closed) this.#closeIdle();
    }
  }

  /** Copies bytes to another place, with a wait of the whole thread; not while any of these are being written. */
  copy(source: number, target: number, bytes: number): void {
    const copier = this.#copier;
    try {
      this.#check();
      const data = new Uint8Array(bytes);
      copier.seekSync(source, 0);
      let filled = 0;
      for (let got: number | null = 1; filled < bytes && got !== null; filled += got ?? 0) {
        got = copier.readSync(data.subarray(filled));
      }
      copier.seekSync(target, 0);
      for (let written = 0; written < filled;) written += copier.writeSync(data.subarray(written, filled));
    } catch (error) {
      throw this.#failed("copy within", error);
    }
  }

  /** Gives the file and its room on the disk back, once reads under way are done. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#writing.then(() => this.#writer.close());
    this.#copier.close();
    this.#closeIdle();
  }

  async #write(offset: number, bytes: Uint8Array): Promise<void> {
    try {
      this.#check();
      this.#writer.seekSync(offset, 0);
      for (let written = 0; written < bytes.length;) written += await this.#writer.write(bytes.subarray(written));
    } catch (error) {
      throw this.#failed("write to", error);
    }
  }

  #check(): void {
    if (this.#closed) throw new Error("it was given back");
  }

  #failed(what: string, error: unknown): Error {
    return failure(`cannot ${what} the file for values in ${shown(this.#folder)}`, error);
  }

  #closeIdle(): void {
    for (const reader of this.#idle.splice(0)) reader.close();
    if (this.#named) this.#named = !this.#removed();
  }

  #removed(): boolean {
    try {
      this.#remove();
      return true;
    } catch {
      return false;
    }
  }
}
