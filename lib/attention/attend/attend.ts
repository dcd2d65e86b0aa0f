import { causalAttentionOver, Tensor } from "../../tensor/mod.ts";
import { attendInWindows, inWindows } from "./attend_in_windows.ts";
import { attendLanes } from "./attend_lanes.ts";
import { attendSplit, splitCalls } from "./attend_split.ts";
import { attendsLanes, splits } from "./decode_way.ts";
import { gather, rotateQueries } from "./gather.ts";
import { listAttended } from "./list_attended.ts";
import type { RotationTable } from "./rotation_table.ts";
import { headVectors } from "../shape.ts";
import type { AttendedTokens, AttentionStep, BroughtVectors } from "../step.ts";

/**
 * Attends over listed tokens: gathers their keys and values, rotates by compact or original positions, and runs causal attention.
 *
 * @param table rotary angles. Default: the model's
 * @returns f32 [batch, rows, query heads, head size]
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
 * cache.extend(1);
 * using rotation = new attention.RotationTable(device, new Float32Array([1]));
 * using scope = Tensor.zeros(device, [1], "u32");
 * const context = { method: new attention.StreamingAttention(attention.presets.demo), cache, rotation, scope };
 * using step = new attention.AttentionStep(context, 1, { phase: "decode", first: false });
 * using x = Tensor.from(device, new Float32Array([1, 2]), [1, 1, 1, 2]);
 * cache.store(0, x, x, step.layout);
 * using y = attention.attendOver(step, 0, x, attention.listOuter(step, 0)); // one token sees itself alone
 * assertEquals([...await y.read()], [1, 2]);
 * ```
 */
export function attendOver(
  step: AttentionStep,
  layer: number,
  queries: Tensor,
  attended: AttendedTokens,
  table: RotationTable = step.context.rotation,
): Tensor {
  const { bring } = step.root;
  const changed = step.context.watch?.attend({ step, layer, queries, attended, table });
  if (bring) {
    const run = (queries: Tensor, list: AttendedTokens, brought: BroughtVectors) =>
      attendListed(step, layer, queries, list, table, brought);
    return bring({ queries, attended, run, ...(changed && { changed }) });
  }
  if (!changed) return attendListed(step, layer, queries, attended, table);
  using lists = changed;
  using outputs = new DisposableStack();
  return lists.join(lists.lists.map((list) => outputs.use(attendListed(step, layer, queries, list, table))));
}

/**
 * The same, with nothing that watches.
 *
 * @param brought what the cache's pages don't have of the tokens
 */
export function attendListed(
  step: AttentionStep,
  layer: number,
  queries: Tensor,
  attended: AttendedTokens,
  table: RotationTable,
  brought?: BroughtVectors,
): Tensor {
  const { cache, method } = step.context;
  if (!brought && inWindows(step, attended, table)) return attendInWindows(step, layer, queries, attended, table);
  const original = method.knobs.positions === "original";
  const longest = Math.max(...cache.lengths);
  const rotation = table.upTo(original ? longest : attended.bound);
  if (splits(step)) return attendSplit(step, layer, queries, attended, splitCalls(step, attended, rotation));
  using rotated = rotateQueries(step, queries, rotation, original ? undefined : attended);
  if (attendsLanes(step, attended.bound)) return attendLanes(step, layer, rotated, attended, rotation);
  const { headSize, keyValueHeads } = cache.shape;
  const padded = [cache.batch, keyValueHeads, attended.bound, 4 * headVectors(headSize)];
  using keys = Tensor.empty(step.device, padded, "f32", "gathered keys");
  using values = Tensor.empty(step.device, padded, "f32", "gathered values");
  const { positions } = method.knobs;
  gather(step, layer, attended, { keys, values, rotation, positions, brought: brought?.keys });
  return causalAttentionOver(rotated, keys, brought?.values ?? values, attended.counts, cache.shape.slidingWindow);
}

/**
 * Attends to leading tokens and window alone.
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
 * cache.extend(1);
 * using rotation = new attention.RotationTable(device, new Float32Array([1]));
 * using scope = Tensor.zeros(device, [1], "u32");
 * const context = { method: new attention.StreamingAttention(attention.presets.demo), cache, rotation, scope };
 * using step = new attention.AttentionStep(context, 1, { phase: "decode", first: false });
 * using x = Tensor.from(device, new Float32Array([1, 2]), [1, 1, 1, 2]);
 * cache.store(0, x, x, step.layout);
 * using y = attention.attendOuter(step, 0, x); // one token sees itself alone
 * assertEquals([...await y.read()], [1, 2]);
 * ```
 */
export function attendOuter(step: AttentionStep, layer: number, queries: Tensor, table?: RotationTable): Tensor {
  return attendOver(step, layer, queries, listOuter(step, layer), table);
}

/**
 * Leading tokens and window, recorded if wanted. The list is the same in every layer, so it is made once a step.
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
 * assertEquals([...await attention.listOuter(step, 0).counts.read()], [32 + 256]); // leading tokens and window
 * ```
 */
export function listOuter(step: AttentionStep, layer: number): AttendedTokens {
  const attended = step.shared(() => {
    const all = step.layouts.every(({ leading }, sequence) => leading === step.shapes[sequence].length);
    return { ...listAttended(step, 1, step.outerLength), all };
  });
  step.context.trace?.recordOuter(step, layer, attended);
  return attended;
}
