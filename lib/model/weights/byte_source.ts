import { fetchRange, fileSize, readBytes } from "../../platform.ts";

/** Enough for the header of most weight files, so that opening one takes a single read. */
const HEAD_BYTES = 65536;

/**
 * A file that is read in parts: its first bytes are read once when it is opened, everything else when it is asked for.
 * A server that only sends whole files is asked for one once.
 */
export class ByteSource {
  /** The file's name for messages: the last part of its address. */
  readonly name: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly #source: string | URL;
  /** The file's first bytes, or all of it. */
  readonly #head: Uint8Array<ArrayBuffer>;

  private constructor(source: string | URL, size: number, head: Uint8Array<ArrayBuffer>) {
    const path = source instanceof URL ? source.pathname : source;
    this.name = path.slice(path.lastIndexOf("/") + 1).slice(-120);
    this.#source = source;
    this.size = size;
    this.#head = head;
  }

  /**
   * Opens a local path or a URL.
   *
   * @throws {PlatformError} if it is missing or can't be read.
   */
  static async open(source: string | URL): Promise<ByteSource> {
    if (/^https?:/i.test(String(source))) {
      const { bytes, whole, total } = await fetchRange(source, { start: 0, end: HEAD_BYTES });
      return new ByteSource(source, whole ? bytes.length : total ?? await fileSize(source), bytes);
    }
    const size = await fileSize(source);
    return new ByteSource(source, size, await readBytes(source, { start: 0, end: Math.min(size, HEAD_BYTES) }));
  }

  /**
   * Reads the bytes from `start` up to `end`; the result is the caller's own.
   *
   * @throws {PlatformError} if the file ends before, or can't be read any more.
   */
  async read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    if (end <= this.#head.length) return this.#head.slice(start, end);
    return await readBytes(this.#source, { start, end });
  }
}
