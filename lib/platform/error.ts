/**
 * Something the machine or the network could not do, or that this platform (a browser) does not offer.
 *
 * @example
 * ```ts
 * import { loadTokenizer, PlatformError } from "@reattention/toolkit/model";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => loadTokenizer("no/such/folder"), PlatformError, "no such file or folder");
 * ```
 */
export class PlatformError extends Error {
  /** The class's own name, as shown in stack traces. */
  override name = "PlatformError";
}

/** Part of a file, in bytes. */
export interface ByteRange {
  /** First byte. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

/** An address as shown in messages; data: URLs are cut short. */
export function shown(source: string | URL): string {
  const text = String(source);
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

/** Any failure as a PlatformError that says what was tried; errors that already tell it pass unchanged. */
export function failure(what: string, error: unknown): Error {
  if (error instanceof PlatformError || error instanceof RangeError) {
    return error;
  }
  const named = error as { name?: string; message?: string };
  const reason = named.name === "NotFound" ? "no such file or folder" : named.message ?? String(error);
  return new PlatformError(`${what}: ${reason}`, { cause: error });
}

/** Refuses a range that is none. */
export function checkRange({ start, end }: ByteRange): void {
  if (
    Number.isSafeInteger(start) && Number.isSafeInteger(end) &&
    start >= 0 && end >= start
  ) return;
  throw new RangeError(
    `a byte range must be whole numbers with 0 <= start <= end, not ${start} to ${end}`,
  );
}

/** The file ends before the range does. */
export function tooShort(
  source: string | URL,
  { start, end }: ByteRange,
  size: number,
): PlatformError {
  return new PlatformError(
    `cannot read bytes ${start} to ${end} of ${shown(source)}: it has ${size} bytes`,
  );
}
