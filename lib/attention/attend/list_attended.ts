import { Tensor } from "../../tensor/mod.ts";
import type { AttendedTokens, AttentionStep } from "../step.ts";
import { gathers } from "./decode_way.ts";
import { foldGrid } from "./gather.ts";

/** Tokens that a thread lists, about. */
const TOKENS_EACH = 4;

/**
 * Lists leading tokens, marked tokens of the middle (if any) and window, and folds the grid to gather them where they are gathered.
 *
 * @param layout where these parts lie, u32 [batch, 4]. Default: as the step has them
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import * as attention from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using cache = new attention.KeyValueCache(device, { layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 2 });
 * cache.extend(1000);
 * using rotation = new attention.RotationTable(device, new Float32Array([1]));
 * using scope = Tensor.zeros(device, [1], "u32");
 * const context = { method: new attention.StreamingAttention(attention.presets.demo), cache, rotation, scope };
 * using step = new attention.AttentionStep(context, 1, { phase: "decode", first: false });
 * assertEquals([...await attention.listAttended(step, 1, step.outerLength).counts.read()], [32 + 256]);
 * ```
 */
export function listAttended(
  step: AttentionStep,
  selections: number,
  bound: number,
  marks?: Tensor,
  layout: Tensor = step.layout,
): AttendedTokens {
  const { cache } = step.context;
  const device = step.device;
  const total = cache.batch * selections;
  const WORKGROUP = device.choices.threads(device.info.software ? 64 : 1024);
  const indices = Tensor.empty(
    device,
    [cache.batch, selections, bound],
    "u32",
    "attended tokens",
  );
  const counts = Tensor.empty(
    device,
    [cache.batch, selections],
    "u32",
    "attended counts",
  );
  // Marks are counted by each workgroup of a list: without them a long one is shared.
  const pieces = marks ? 1 : Math.max(1, Math.ceil(bound / (TOKENS_EACH * WORKGROUP)));
  device.commands.dispatch({
    kernel: "collect_indices",
    overrides: { WORKGROUP },
    params: {
      selections_per_sequence: selections,
      marks_stride: marks?.shape[2] ?? 1,
      indices_stride: bound,
      pieces,
      marked: Number(marks !== undefined),
    },
    // Without a middle no mark is read; the layout stands in for the binding.
    bindings: [layout, marks ?? layout, indices, counts, step.context.scope].map((
      { buffer },
    ) => ({ buffer })),
    groups: total * pieces,
    work: total * (bound + (marks?.shape[2] ?? 0)),
  });
  const grid = gathers(step) ? foldGrid(step, counts) : undefined;
  return { indices, counts, ...(grid && { grid }), selections, bound };
}
