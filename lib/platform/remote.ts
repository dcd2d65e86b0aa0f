// Files behind a URL, through fetch alone: the same in Deno and in a browser.

import { type ByteRange, checkRange, failure, PlatformError, shown, tooShort } from "./error.ts";

/** What a server answered to a request for a part of a file. */
export interface FetchedRange {
  /** The part asked for, or the whole file where the server doesn't do parts. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether `bytes` is the whole file. */
  readonly whole: boolean;
  /** Size of the whole file in bytes, where the server told it. */
  readonly total: number | undefined;
}

async function request(
  source: string | URL,
  init: RequestInit,
): Promise<Response> {
  try {
    return await fetch(source, init);
  } catch (error) {
    throw failure(`cannot read ${shown(source)}`, error);
  }
}

async function refused(
  source: string | URL,
  response: Response,
): Promise<PlatformError> {
  // An unread body would keep its connection open.
  await response.body?.cancel();
  return new PlatformError(
    `cannot read ${shown(source)}: the server answered ${response.status} ${response.statusText}`.trimEnd(),
  );
}

function contentRange(
  response: Response,
): { start: number | undefined; total: number | undefined } {
  const header = response.headers.get("content-range") ?? "";
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(header);
  const number = (text: string | undefined) => text === undefined || text === "*" ? undefined : Number(text);
  return { start: number(match?.[1]), total: number(match?.[2]) };
}

/**
 * Asks a server for part of a file. A server that doesn't do parts answers with the whole file,
 * and the caller gets it as such rather than losing what was paid for.
 *
 * @param source an http(s):, data: or blob: URL; in a browser anything fetch takes
 * @param range what is wanted; a server may send less where the file ends first
 * @throws {PlatformError} if the server can't be reached or refuses.
 * @throws {RangeError} if the range is none.
 */
export async function fetchRange(
  source: string | URL,
  range: ByteRange,
): Promise<FetchedRange> {
  checkRange(range);
  // The header's range names its last byte, so it can't ask for nothing.
  const last = Math.max(range.start, range.end - 1);
  const headers = { Range: `bytes=${range.start}-${last}` };
  const response = await request(source, { headers });
  const { start, total } = contentRange(response);
  if (response.status === 416) {
    await response.body?.cancel();
    return { bytes: new Uint8Array(0), whole: total === 0, total };
  }
  if (!response.ok) throw await refused(source, response);
  const bytes = await body(source, response);
  if (response.status !== 206) {
    return { bytes, whole: true, total: bytes.length };
  }
  if (start !== undefined && start !== range.start) {
    throw new PlatformError(
      `cannot read ${shown(source)}: asked for bytes from ${range.start} on, the server sent them from ${start} on`,
    );
  }
  const wanted = bytes.subarray(0, range.end - range.start);
  return { bytes: wanted, whole: total === wanted.length, total };
}

async function body(
  source: string | URL,
  response: Response,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw failure(`cannot read ${shown(source)}`, error);
  }
}

/** Reads a whole file, or exactly a part of it, by fetch. */
export async function readRemote(
  source: string | URL,
  range?: ByteRange,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!range) {
    const response = await request(source, {});
    if (!response.ok) throw await refused(source, response);
    return await body(source, response);
  }
  const { bytes, whole, total } = await fetchRange(source, range);
  const part = whole ? bytes.slice(range.start, range.end) : bytes;
  if (part.length === range.end - range.start) return part;
  throw tooShort(source, range, total ?? range.start + part.length);
}

/** Size of a file behind a URL, in bytes, without reading it where the server lets us. */
export async function remoteSize(source: string | URL): Promise<number> {
  const response = await request(source, { headers: { Range: "bytes=0-0" } });
  const { total } = contentRange(response);
  if (response.ok || response.status === 416) {
    const length = response.headers.get("content-length");
    const plain = !response.headers.get("content-encoding");
    const told = response.status === 200 && plain && length !== null ? Number(length) : total;
    if (told !== undefined) {
      await response.body?.cancel();
      return told;
    }
    if (response.status === 200) return (await body(source, response)).length;
  }
  throw await refused(source, response);
}

/** Whether a file is there: false where the server says 404 or 410. */
export async function remoteExists(source: string | URL): Promise<boolean> {
  const response = await request(source, { headers: { Range: "bytes=0-0" } });
  if (response.ok || response.status === 416) {
    await response.body?.cancel();
    return true;
  }
  const error = await refused(source, response);
  if (response.status === 404 || response.status === 410) return false;
  throw error;
}
