import { vectorBytes } from "../../lib/attention/cache/storage.ts";
import type { AttentionShape, StorageType } from "../../lib/attention/mod.ts";

/** What a decode step of a case reads keys and values from. */
export interface BytesCase {
  /** Sizes of the attention. */
  readonly shape: AttentionShape;
  /** Tokens cached. */
  readonly length: number;
  /** Most tokens that a selecting step attends to. */
  readonly scope: number;
  /** Where full attention's keys and values are stored. */
  readonly storage: StorageType;
}

/** Bytes of keys and values that full attention reads for one token, in all layers. */
export function fullBytes({ shape, length, storage }: BytesCase): number {
  return vectors(shape) * length * 2 * vectorBytes(storage, shape.headSize);
}

/**
 * Bytes that ReAttention reads for one token: the keys that it scores, in one step of `recallEvery`, and keys and values of the tokens it
 * attends to.
 */
export function selectingBytes(
  { shape, length, scope, storage }: BytesCase,
  { keyType = storage, recallEvery = 1 }: { keyType?: StorageType; recallEvery?: number },
): number {
  const [key, value] = [keyType, storage].map((type) => vectorBytes(type, shape.headSize));
  return vectors(shape) * (length / recallEvery * key + scope * (key + value));
}

function vectors({ layers, keyValueHeads }: AttentionShape): number {
  return layers * keyValueHeads;
}
