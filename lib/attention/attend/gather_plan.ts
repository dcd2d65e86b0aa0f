import type { KernelVariant } from "../../gpu/mod.ts";
import { readsStored, readsVectors, type StorageType } from "../cache/storage.ts";
import { headVectors } from "../shape.ts";

/** What decides how keys and values are gathered. */
export interface GatherTask {
  /** Channels of a head. */
  readonly headSize: number;
  /** Tokens of a page. */
  readonly pageTokens: number;
  /** Storage of keys. */
  readonly keys: StorageType;
  /** Storage of values. */
  readonly values: StorageType;
  /** Whether the adapter is a software one. */
  readonly software: boolean;
}

/** How keys and values are gathered. */
export interface GatherPlan {
  /** The kernel with its constants and parts. */
  readonly variant: KernelVariant;
  /** Threads that share a token's keys and values of a head. */
  readonly lanes: number;
}

/** Most vectors of four channels of a half that a thread takes: each is written out. */
const MOST_VECTORS = 8;

/** Plans it: by vectors of channels where a head's halves are whole ones, else by single channels. */
export function planGather(task: GatherTask): GatherPlan {
  const { headSize, pageTokens, software } = task;
  if (headSize % 8 !== 0) {
    const stored = readsStored({ keys: task.keys, values: task.values });
    const variant = { kernel: "gather_rotate" as const, ...stored, constants: { D4: headVectors(headSize) } };
    return { variant, lanes: headSize / 2 };
  }
  const keys = readsVectors("key", task.keys, task);
  const values = readsVectors("value", task.values, task);
  const D8 = headSize / 8;
  const UNIT = Math.max(keys.vectors, values.vectors);
  const units = D8 / UNIT;
  // Neighbours on a GPU read and write what lies side by side.
  const LANES = software ? leastDivisor(units, units * UNIT / MOST_VECTORS) : units;
  const constants = {
    ...{ D8, UNIT, LANES, EACH: units / LANES, PAGE: pageTokens },
    ...{ KEY_LOADS: UNIT / keys.vectors, VALUE_LOADS: UNIT / values.vectors },
  };
  const variant = {
    kernel: "gather_vectors" as const,
    types: { ...keys.types, ...values.types },
    parts: [keys.part, values.part],
    constants,
  };
  return { variant, lanes: LANES };
}

/** The least divisor of a number that is at least another one. */
function leastDivisor(of: number, least: number): number {
  let divisor = Math.max(1, Math.ceil(least));
  while (of % divisor !== 0) divisor++;
  return divisor;
}
