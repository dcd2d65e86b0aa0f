import * as z from "../../zod.ts";
import type { Tensor } from "../../tensor/mod.ts";

/** What is kept of a sequence beside keys and values, as a file can hold it. */
export interface SavedState {
  /** What JSON can say: counts, ends, which tensors there are. */
  readonly facts: unknown;
  /** Its numbers; whoever gets a state owns them. */
  readonly tensors: readonly Tensor[];
}

/** All that is kept of one sequence. */
export interface SequenceState {
  /** The last queries of each layer. */
  readonly queries: SavedState;
  /** The last selection, where one is held. */
  readonly held?: SavedState;
  /** What methods keep, by layer. */
  readonly memories: readonly (readonly [layer: number, state: SavedState])[];
}

/** A count in a saved state. */
export const savedCount: z.ZodMiniType<number> = z.int().check(z.minimum(0));

/**
 * Reads a state's facts.
 *
 * @throws {RangeError} where they are none of the kind.
 */
export function factsOf<T>(what: string, facts: unknown, schema: z.ZodMiniType<T>): T {
  const parsed = schema.safeParse(facts);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new RangeError(`${what}: ${[path.join("."), message].filter(Boolean).join(" ")}`);
}
