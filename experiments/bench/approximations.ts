import type { Knobs, StorageType } from "../../lib/attention/mod.ts";

/** A way to decode with ReAttention that trades exact selection for speed. */
export interface Approximation {
  /** Its name in rows. */
  readonly name: string;
  /** The knobs that make it, while decoding; the context is read with exact selection. */
  readonly knobs: Partial<Knobs>;
  /** How keys are stored, where that is part of it, while reading too. */
  readonly keyType?: StorageType;
}

/** What is timed and measured beside exact selection. */
export const approximations: readonly Approximation[] = [
  { name: "recallEvery 16", knobs: { recallEvery: 16 } },
  { name: "recallEvery 64", knobs: { recallEvery: 64 } },
  { name: "int8 keys", knobs: {}, keyType: "int8" },
  { name: "int8 keys, recallEvery 2", knobs: { recallEvery: 2 }, keyType: "int8" },
  { name: "int8 keys, recallEvery 16", knobs: { recallEvery: 16 }, keyType: "int8" },
];

/** The approximation that a group of rows is of, such as "decode attention, reattention int8 keys". */
export function approximationOf(group: string): Approximation | undefined {
  return approximations.find(({ name }) => group.endsWith(`, reattention ${name}`));
}
