import { z } from "zod";
import type { Device } from "../gpu/mod.ts";
import { BlockMemory } from "./block_memory.ts";
import { KeptTokens } from "./kept_tokens.ts";
import type { LayerMemory } from "./layer_memory.ts";
import { factsOf, type SavedState } from "./saved_state.ts";

/**
 * What a method had kept in one layer, made anew; takes the state over.
 *
 * @throws {RangeError} for a state of no kind that there is.
 */
export function restoreMemory(device: Device, state: SavedState): LayerMemory {
  const { kind } = factsOf("saved memory", state.facts, z.looseObject({ kind: z.enum(["blocks", "kept tokens"]) }));
  return kind === "blocks" ? BlockMemory.restore(device, state) : KeptTokens.restore(state);
}
