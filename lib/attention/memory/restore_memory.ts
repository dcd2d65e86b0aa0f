import * as z from "../../zod.ts";
import type { Device } from "../../gpu/mod.ts";
import { BlockMemory } from "./block_memory.ts";
import { KeptTokens } from "./kept_tokens.ts";
import type { LayerMemory } from "./layer_memory.ts";
import { SelectionCache } from "./selection_cache.ts";
import { factsOf, type SavedState } from "./saved_state.ts";

/**
 * What a method had kept in one layer, made anew; takes the state over.
 *
 * @throws {RangeError} for a state of no kind that there is.
 */
export function restoreMemory(device: Device, state: SavedState): LayerMemory {
  const { kind } = factsOf(
    "saved memory",
    state.facts,
    z.looseObject({ kind: z.enum(["blocks", "kept tokens", "selections"]) }),
  );
  if (kind === "blocks") return BlockMemory.restore(device, state);
  return kind === "selections" ? SelectionCache.restore(state) : KeptTokens.restore(state);
}
