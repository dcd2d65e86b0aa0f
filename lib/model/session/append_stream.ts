import type { Knobs } from "../../attention/mod.ts";
import { MemoryBudgetError } from "../../gpu/mod.ts";
import type { SequenceReader } from "./sequence_reader.ts";
import type { AppendOptions } from "./session_options.ts";
import { openingTokens, type TokenEncoder, TokenStream } from "../text/token_stream.ts";

/** Text that comes piece by piece: characters, or their bytes in UTF-8, cut anywhere. */
export type TextSource = ReadableStream<Uint8Array | string>;

/**
 * Reads a stream's text into the cache as it comes, in the same steps as if all of it had been there. The next piece is asked
 * for when what was there is read; a stream that is left before its end is cancelled.
 */
export async function prefillStream(
  reader: SequenceReader,
  source: TextSource,
  { onProgress, signal }: AppendOptions,
): Promise<void> {
  const { model: { tokenizer }, method: { knobs } } = reader.stepper;
  const opening = reader.length === 0 ? openingTokens(tokenizer) : [];
  const before = reader.length;
  let held = reader.takePending(opening);
  const read = async (count: number) => {
    if (count === 0) return;
    const now = held.slice(0, count);
    held = held.slice(count);
    reserveAhead(reader, count);
    const start = reader.length;
    const progress = (done: number) => onProgress?.(start + done - before, start + count + held.length - before);
    await reader.prefill(now, { signal, onProgress: progress });
  };
  for await (const tokens of streamedTokens(tokenizer, source, signal)) {
    held = held.concat(tokens);
    await read(wholeSteps(held.length, reader.length, knobs));
  }
  await read(held.length);
}

/** Tokens of a text as it comes. */
async function* streamedTokens(
  tokenizer: TokenEncoder,
  source: TextSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly number[], void, void> {
  const stream = new TokenStream(tokenizer);
  for await (const text of streamedText(source, signal)) yield stream.push(text);
  yield stream.end();
}

/** A stream's pieces as text; characters cut between pieces come whole. */
async function* streamedText(source: TextSource, signal: AbortSignal | undefined): AsyncGenerator<string, void, void> {
  const pieces = source.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let bytes = 0;
  let ended = false;
  const decode = (piece?: Uint8Array) => {
    try {
      return piece ? decoder.decode(piece, { stream: true }) : decoder.decode();
    } catch (error) {
      throw new RangeError(`append: the stream is not UTF-8 text near its byte ${bytes}`, { cause: error });
    }
  };
  try {
    for (;;) {
      const { done, value } = await untilAborted(pieces.read(), signal);
      ended = done;
      if (done) break;
      if (typeof value === "string") {
        yield decode() + value;
      } else if (value instanceof Uint8Array) {
        yield decode(value);
        bytes += value.length;
      } else {
        throw new TypeError(`append: a stream must bring text or bytes (Uint8Array), not ${typeof value}`);
      }
    }
    yield decode();
  } finally {
    if (!ended) await pieces.cancel(signal?.reason).catch(() => {});
    pieces.releaseLock();
  }
}

/** What a promise gives, or the signal's reason once it is aborted, whichever comes first. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await promise;
  signal.throwIfAborted();
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/**
 * How many of the tokens that have come make whole steps: the same steps that all tokens together would be read in. With
 * `align` the first call's length depends on the whole context's; here it is the shortest.
 */
function wholeSteps(held: number, cached: number, { globalSize, window, align, chunkSize }: Readonly<Knobs>): number {
  if (cached > 0) return held - held % chunkSize;
  const first = globalSize + window - align;
  if (align > 0) return held > first ? first : 0;
  return held > first ? held - (held - first) % chunkSize : 0;
}

/** Makes room for half as many tokens again as are there, where memory has it: pages that come a few at a time make steps slow. */
function reserveAhead({ cache }: SequenceReader, tokens: number): void {
  const ahead = Math.max(tokens, Math.ceil(cache.lengths[0] / 2));
  if (cache.sequences[0].missingPages(tokens) === 0) return;
  try {
    cache.reserve(ahead);
  } catch (error) {
    if (!(error instanceof MemoryBudgetError) || ahead === tokens) throw error;
    cache.reserve(tokens);
  }
}
