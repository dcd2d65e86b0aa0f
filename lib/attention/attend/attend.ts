import { causalAttentionOver, Tensor } from "../../tensor/mod.ts";
import { attendSplit, splits } from "./attend_split.ts";
import type { RotationTable } from "./rotation_table.ts";
import { headVectors } from "../shape.ts";
import type { AttendedTokens, AttentionStep } from "../step.ts";
import { readsStored } from "../cache/storage.ts";

const WORKGROUP = 64;

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
    const run = (queries: Tensor, list: AttendedTokens, brought: Tensor) =>
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
 * @param brought the tokens' values where the cache's pages don't have them, f32 [batch, KV heads, bound, padded head size]
 */
export function attendListed(
  step: AttentionStep,
  layer: number,
  queries: Tensor,
  attended: AttendedTokens,
  table: RotationTable,
  brought?: Tensor,
): Tensor {
  const { cache, method } = step.context;
  const original = method.knobs.positions === "original";
  const longest = Math.max(...cache.lengths);
  const rotation = table.upTo(original ? longest : attended.bound);
  if (splits(step)) return attendSplit(step, layer, queries, attended, rotation);
  const { headSize, keyValueHeads } = cache.shape;
  const padded = [cache.batch, keyValueHeads, attended.bound, 4 * headVectors(headSize)];
  using keys = Tensor.empty(step.device, padded, "f32", "gathered keys");
  using values = Tensor.empty(step.device, padded, "f32", "gathered values");
  const { positions } = method.knobs;
  gather(step, layer, attended, { keys, values, rotation, positions, keysOnly: brought !== undefined });
  using rotated = rotateQueries(step, queries, rotation, original ? undefined : attended);
  return causalAttentionOver(rotated, keys, brought ?? values, attended.counts, cache.shape.slidingWindow);
}

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
  device.commands.dispatch({
    kernel: "collect_indices",
    overrides: { WORKGROUP },
    params: {
      selections_per_sequence: selections,
      marks_stride: marks?.shape[2] ?? 1,
      indices_stride: bound,
    },
    // Without a middle no mark is read; the layout stands in for the binding.
    bindings: [layout, marks ?? layout, indices, counts, step.context.scope].map((
      { buffer },
    ) => ({ buffer })),
    groups: total,
    work: total * (bound + (marks?.shape[2] ?? 0)),
  });
  const grid = splits(step) ? undefined : foldGrid(step, counts);
  return { indices, counts, ...(grid && { grid }), selections, bound };
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
  const attended = step.shared(() => listAttended(step, 1, step.outerLength));
  step.context.trace?.recordOuter(step, layer, attended);
  return attended;
}

/** The grid that gathering a list's tokens needs, from how many there are. */
export function foldGrid(step: AttentionStep, counts: Tensor): Tensor {
  const grid = Tensor.empty(step.device, [3], "u32", "attended grid");
  step.device.commands.dispatch({
    kernel: "fold_grid",
    params: {
      count: counts.size,
      threads_per_count: gatherThreads(step),
      workgroup: WORKGROUP,
      groups_per_dimension: step.device.commands.limits.groupsPerDimension,
    },
    bindings: [counts, grid].map(({ buffer }) => ({ buffer })),
    groups: 1,
    work: counts.size,
  });
  return grid;
}

function gatherThreads(step: AttentionStep): number {
  const { batch, shape } = step.context.cache;
  return batch * shape.keyValueHeads * shape.headSize / 2;
}

/** Where gathered keys and values go, and how keys are turned. */
export interface Gathered {
  /** f32 [batch, KV heads, bound, padded head size]. */
  readonly keys: Tensor;
  /** f32 of the same shape. */
  readonly values: Tensor;
  /** Angles of the positions; with positions "none" any table. */
  readonly rotation: Tensor;
  /** By which positions keys are turned: their places in the list, their own, or none. */
  readonly positions: "compact" | "original" | "none";
  /** Whether the pages have keys only: values are then left undefined. Default false. */
  readonly keysOnly?: boolean;
}

/** Copies the keys and values of listed tokens out of the cache's pages; the list needs its grid. */
export function gather(
  step: AttentionStep,
  layer: number,
  attended: AttendedTokens,
  { keys, values, rotation, positions, keysOnly = false }: Gathered,
): void {
  const { cache } = step.context;
  const threads = attended.bound * gatherThreads(step);
  for (const slab of cache.slabs()) {
    step.device.commands.dispatch({
      kernel: "gather_rotate",
      // The kernel reads something for values; the keys stand in for them.
      ...readsStored({ keys: cache.pool.keyType, values: keysOnly ? cache.pool.keyType : cache.pool.valueType }),
      constants: { D4: headVectors(cache.shape.headSize) },
      params: {
        ...cache.addressing(slab),
        selections: attended.selections,
        head_size: cache.shape.headSize,
        indices_stride: attended.bound,
        positions: ["compact", "original", "none"].indexOf(positions),
      },
      bindings: [
        { buffer: slab.keys[layer] },
        { buffer: keysOnly ? slab.keys[layer] : slab.values[layer] },
        ...[
          cache.table,
          attended.indices,
          attended.counts,
          rotation,
          keys,
          values,
        ].map(({ buffer }) => ({ buffer })),
      ],
      groups: Math.ceil(threads / WORKGROUP),
      indirect: { buffer: attended.grid!.buffer, offset: 0 },
      work: 16 * threads,
    });
  }
}

/**
 * Rotates the newest queries by the last compact positions of what they attend to, or by their own positions.
 *
 * @param queries f32 [batch, rows, query heads, head size], of a step or of more tokens than that
 * @param attended undefined: their own positions
 * @returns f32 of the queries' shape
 */
export function rotateQueries(
  step: AttentionStep,
  queries: Tensor,
  rotation: Tensor,
  attended?: AttendedTokens,
): Tensor {
  const { cache } = step.context;
  const { queryHeads, keyValueHeads, headSize } = cache.shape;
  const rotated = Tensor.empty(
    step.device,
    queries.shape,
    "f32",
    "rotated queries",
  );
  const threads = queries.size / 2;
  step.device.commands.dispatch({
    kernel: "rotate_queries",
    params: {
      batch: cache.batch,
      step_rows: queries.shape[1],
      query_heads: queryHeads,
      heads: keyValueHeads,
      selections: attended?.selections ?? 1,
      head_size: headSize,
      original: Number(attended === undefined),
    },
    // Own positions need no counts; the layout stands in for the binding.
    bindings: [queries, attended?.counts ?? step.layout, step.layout, rotation, rotated].map((
      { buffer },
    ) => ({ buffer })),
    groups: Math.ceil(threads / WORKGROUP),
    work: 8 * threads,
  });
  return rotated;
}
