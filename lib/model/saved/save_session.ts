import type { SavedState, SequenceState } from "../../attention/mod.ts";
import type { Tensor } from "../../tensor/mod.ts";
import type { SequenceReader } from "../session/sequence_reader.ts";
import { CheckedWriter } from "./checked_file.ts";
import type { SavedHeader, SavedPart } from "./header.ts";
import { describeConfig, describeMethod } from "./identity.ts";
import { pageBlockBytes, pageBlocks } from "./page_blocks.ts";

/** Bytes of pages that pass through the host at a time, unless one page is more. */
const BATCH_BYTES = 16 * 2 ** 20;

/** How a session is saved. */
export interface SaveOptions {
  /** Called with the bytes of pages written and all of them. */
  onProgress?: (done: number, total: number) => void;
  /** Looked at between pages; nothing is left of the file then. */
  signal?: AbortSignal;
}

/** Writes a sequence with all that it needs to go on, page by page, wherever its values lie. */
export async function saveSequence(
  reader: SequenceReader,
  path: string,
  { onProgress, signal }: SaveOptions,
): Promise<void> {
  const { cache, stepper } = reader;
  const [sequence] = cache.sequences;
  const state = sequence.save();
  const parts = partsOf(state);
  try {
    await stepper.readScope();
    const tokens = Uint32Array.from(reader.tokensBetween(0, sequence.length));
    const header = headerOf(reader, tokens.length, parts);
    await CheckedWriter.write(path, header, async (writer) => {
      await writer.block(new Uint8Array(tokens.buffer));
      const { count, bytes } = header.pages;
      for (let first = 0; first < count;) {
        const some = Math.min(count - first, Math.max(1, Math.floor(BATCH_BYTES / bytes)));
        for await (const block of pageBlocks(cache, first, some)) {
          signal?.throwIfAborted();
          await writer.block(block);
        }
        first += some;
        onProgress?.(first * bytes, count * bytes);
      }
      for (const tensor of parts.flatMap(({ state }) => state.tensors)) {
        signal?.throwIfAborted();
        await writer.block(await bytesOf(tensor));
      }
    });
  } finally {
    for (const tensor of parts.flatMap(({ state }) => state.tensors)) tensor[Symbol.dispose]();
  }
}

interface Part extends Omit<SavedPart, "tensors" | "facts"> {
  readonly state: SavedState;
}

function partsOf({ queries, held, memories }: SequenceState): Part[] {
  return [
    { part: "queries", state: queries },
    ...(held ? [{ part: "held", state: held } as const] : []),
    ...memories.map(([layer, state]) => ({ part: "memory", layer, state }) as const),
  ];
}

function headerOf(
  { cache, stepper, pending, questionStart }: SequenceReader,
  tokens: number,
  parts: readonly Part[],
): SavedHeader {
  const { pool, sequences: [{ length, pages }] } = cache;
  const { pageTokens, keyType, valueType, keysOn, valuesOn } = pool;
  return {
    config: describeConfig(stepper.model.config),
    weights: stepper.model.decoder.weightsHash,
    method: describeMethod(stepper.method),
    cache: { pageTokens, keyType, valueType, keysOn, valuesOn },
    length,
    tokens,
    pending: [...pending],
    questionStart: questionStart ?? null,
    scope: stepper.scope,
    beyondTrained: stepper.beyondTrained,
    pages: { count: pages.length, bytes: pageBlockBytes(cache) },
    parts: parts.map(({ state: { facts, tensors }, ...part }) => ({
      ...part,
      facts,
      tensors: tensors.map(({ dtype, shape }) => ({ dtype, shape: [...shape] })),
    })),
  };
}

async function bytesOf(tensor: Tensor): Promise<Uint8Array<ArrayBuffer>> {
  const { buffer, byteOffset, byteLength } = await tensor.read();
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
