import {
  fileSize,
  freeDiskBytes,
  openPartial,
  type PartialFile,
  readBytes,
  removeFile,
  renameFile,
} from "../../platform.ts";
import { parseHeader, type SavedHeader } from "./header.ts";
import { SavedSessionError } from "./saved_session_error.ts";

/** First bytes of every file. */
const MAGIC = "ReAttnKV";
/** Version of the layout. A file of another one is refused. */
const VERSION = 1;
/** Magic, version and length of the header. */
const START_BYTES = 16;
/** Bytes of a SHA-256 digest. */
const DIGEST_BYTES = 32;
/** Most bytes of a header: knobs, waiting tokens and a line for each tensor. */
const MOST_HEADER_BYTES = 2 ** 28;

/*
 * The layout, all numbers little-endian: magic, u32 version, u32 bytes of the header, the header (JSON), their digest; then
 * blocks (token ids, pages, tensors) in the order that the header tells, each followed by its own digest. So a file
 * can be written and checked without ever being held as a whole.
 */

/** Bytes of a file with a header of so many bytes, whose blocks have so many. */
function fileBytes(headerBytes: number, blocks: readonly number[]): number {
  return blocks.reduce((sum, bytes) => sum + bytes + DIGEST_BYTES, START_BYTES + headerBytes + DIGEST_BYTES);
}

/** Bytes of the blocks that follow a header, in order. */
function blocksOf({ tokens, pages, parts }: SavedHeader): number[] {
  const size = { f32: 4, u32: 4, i32: 4, f16: 2 };
  const tensors = parts.flatMap((part) =>
    part.tensors.map(({ dtype, shape }) => shape.reduce((product, length) => product * length, size[dtype]))
  );
  return [4 * tokens, ...new Array<number>(pages.count).fill(pages.bytes), ...tensors];
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** Writes a session's file aside: nobody sees it before it is whole, and nothing is left of it after a failure. */
export class CheckedWriter {
  readonly #file: PartialFile;

  private constructor(file: PartialFile) {
    this.#file = file;
  }

  /**
   * Writes a file of a header and the blocks that `act` gives.
   *
   * @throws {PlatformError} where it can't be written; the old file, if there is one, is as it was.
   */
  static async write(path: string, header: SavedHeader, act: (writer: CheckedWriter) => Promise<void>): Promise<void> {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const [, folder, name] = /^(.*[/\\])?([^/\\]*)$/s.exec(path)!;
    const aside = `${folder ?? ""}.${name}.${crypto.randomUUID().slice(0, 8)}.tmp`;
    const file = await openPartial(aside);
    try {
      const wanted = fileBytes(text.length, blocksOf(header));
      const free = await freeDiskBytes(folder || ".");
      if (free < wanted) {
        throw new SavedSessionError(
          path,
          `the session takes ${mebibytes(wanted)} MiB, but ${mebibytes(free)} are free`,
        );
      }
      const start = new Uint8Array(START_BYTES + text.length);
      start.set(new TextEncoder().encode(MAGIC));
      const view = new DataView(start.buffer);
      view.setUint32(8, VERSION, true);
      view.setUint32(12, text.length, true);
      start.set(text, START_BYTES);
      const writer = new CheckedWriter(file);
      await writer.block(start);
      await act(writer);
      await file.sync();
      file[Symbol.dispose]();
      await renameFile(aside, path);
    } catch (error) {
      try {
        file[Symbol.dispose]();
      } catch {
        // It was closed before the rename failed.
      }
      await removeFile(aside);
      throw error;
    }
  }

  /** Writes a block and its digest. */
  async block(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#file.append(bytes);
    await this.#file.append(await digestOf(bytes));
  }
}

/** Reads a session's file block by block, and checks each. */
export class CheckedReader {
  /** What the file says of its session. */
  readonly header: SavedHeader;
  readonly #path: string;
  readonly #blocks: readonly number[];
  #block = 0;
  #at: number;

  private constructor(path: string, header: SavedHeader, at: number) {
    this.#path = path;
    this.header = header;
    this.#blocks = blocksOf(header);
    this.#at = at;
  }

  /**
   * Reads and checks a file's header.
   *
   * @throws {SavedSessionError} for a file of another kind or version, one that was cut off, or a damaged header.
   * @throws {PlatformError} where it can't be read.
   */
  static async open(path: string): Promise<CheckedReader> {
    const size = await fileSize(path);
    const notOne = () => new SavedSessionError(path, "this is no saved session (`session.save` writes them)");
    if (size < START_BYTES) throw notOne();
    const start = await readBytes(path, { start: 0, end: START_BYTES });
    if (new TextDecoder().decode(start.subarray(0, MAGIC.length)) !== MAGIC) throw notOne();
    const view = new DataView(start.buffer);
    const version = view.getUint32(8, true);
    if (version !== VERSION) {
      throw new SavedSessionError(
        path,
        `it has version ${version} of the layout; this toolkit reads version ${VERSION}`,
      );
    }
    const headerBytes = view.getUint32(12, true);
    const end = START_BYTES + headerBytes;
    if (size < end + DIGEST_BYTES || headerBytes > MOST_HEADER_BYTES) throw cutOff(path, size, end + DIGEST_BYTES);
    const bytes = await readBytes(path, { start: 0, end: end + DIGEST_BYTES });
    await check(path, "its header", bytes.subarray(0, end), bytes.subarray(end));
    const header = parseHeader(path, new TextDecoder().decode(bytes.subarray(START_BYTES, end)));
    const wanted = fileBytes(headerBytes, blocksOf(header));
    if (size !== wanted) throw cutOff(path, size, wanted);
    return new CheckedReader(path, header, end + DIGEST_BYTES);
  }

  /**
   * The next blocks, checked.
   *
   * @throws {SavedSessionError} where one is damaged.
   */
  async blocks(count: number, what: string): Promise<Uint8Array<ArrayBuffer>[]> {
    const sizes = this.#blocks.slice(this.#block, this.#block + count);
    const end = sizes.reduce((sum, bytes) => sum + bytes + DIGEST_BYTES, this.#at);
    const all = await readBytes(this.#path, { start: this.#at, end });
    this.#block += count;
    this.#at = end;
    let at = 0;
    const blocks: Uint8Array<ArrayBuffer>[] = [];
    for (const [index, bytes] of sizes.entries()) {
      const block = all.subarray(at, at + bytes);
      at += bytes + DIGEST_BYTES;
      await check(
        this.#path,
        `${what} (block ${this.#block - count + index})`,
        block,
        all.subarray(at - DIGEST_BYTES, at),
      );
      blocks.push(block);
    }
    return blocks;
  }
}

async function check(
  path: string,
  what: string,
  bytes: Uint8Array<ArrayBuffer>,
  wanted: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const digest = await digestOf(bytes);
  if (digest.every((byte, index) => byte === wanted[index])) return;
  throw new SavedSessionError(path, `${what} does not match its checksum: the file is damaged`);
}

function cutOff(path: string, size: number, wanted: number): SavedSessionError {
  const how = size < wanted ? "was cut off" : "is damaged";
  return new SavedSessionError(path, `it has ${size} bytes where its header asks for ${wanted}: the file ${how}`);
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
