import type { SavedState, SequenceState } from "../../attention/mod.ts";
import type { Device } from "../../gpu/mod.ts";
import { Tensor } from "../../tensor/mod.ts";
import type { SequenceReader } from "../session/sequence_reader.ts";
import type { CheckedReader } from "./checked_file.ts";
import type { SavedHeader, SavedTensorShape } from "./header.ts";
import { takePageBlock } from "./page_blocks.ts";

/** Bytes of pages that pass through the host at a time, unless one page is more. */
const BATCH_BYTES = 16 * 2 ** 20;

/** How a session is restored, beside what it attends by. */
export interface RestoreProgress {
  /** Called with the bytes of pages read and all of them. */
  onProgress?: (done: number, total: number) => void;
  /** Looked at between pages. */
  signal?: AbortSignal;
}

/**
 * Fills an empty reader with what a file holds.
 *
 * @throws {SavedSessionError} where a block is damaged.
 */
export async function restoreSequence(
  reader: SequenceReader,
  file: CheckedReader,
  { onProgress, signal }: RestoreProgress,
): Promise<void> {
  const { header } = file;
  const { cache, stepper } = reader;
  const [sequence] = cache.sequences;
  const [ids] = await file.blocks(1, "its tokens");
  cache.extend(header.length);
  reader.tookIn(Array.from(new Uint32Array(ids.slice().buffer)));
  const { count, bytes } = header.pages;
  for (let first = 0; first < count;) {
    const some = Math.min(count - first, Math.max(1, Math.floor(BATCH_BYTES / bytes)));
    for (const [index, block] of (await file.blocks(some, "a page")).entries()) {
      signal?.throwIfAborted();
      await takePageBlock(cache, first + index, block);
    }
    // What is on its way to the GPU takes the host's memory.
    await cache.device.finish();
    first += some;
    onProgress?.(first * bytes, count * bytes);
  }
  sequence.resume(cache.device, await readState(file, cache.device));
  stepper.resume(header);
  reader.pending = header.pending;
  reader.questionStart = header.questionStart ?? undefined;
}

async function readState(file: CheckedReader, device: Device): Promise<SequenceState> {
  const states: { part: SavedHeader["parts"][number]; state: SavedState }[] = [];
  try {
    for (const part of file.header.parts) {
      const tensors: Tensor[] = [];
      states.push({ part, state: { facts: part.facts, tensors } });
      for (const shape of part.tensors) {
        const [block] = await file.blocks(1, `a tensor of its ${part.part}`);
        tensors.push(tensorOf(device, shape, block));
      }
    }
  } catch (error) {
    for (const tensor of states.flatMap(({ state }) => state.tensors)) tensor[Symbol.dispose]();
    throw error;
  }
  const of = (name: string) => states.filter(({ part }) => part.part === name);
  const [held] = of("held");
  return {
    queries: of("queries")[0]?.state ?? { facts: [], tensors: [] },
    ...(held && { held: held.state }),
    memories: of("memory").map(({ part, state }) => [part.layer ?? 0, state] as const),
  };
}

function tensorOf(device: Device, { dtype, shape }: SavedTensorShape, block: Uint8Array<ArrayBuffer>): Tensor {
  const bytes = block.slice().buffer;
  const kinds = { f32: Float32Array, u32: Uint32Array, i32: Int32Array, f16: Uint16Array };
  return Tensor.from(device, new kinds[dtype](bytes), shape, "restored");
}
