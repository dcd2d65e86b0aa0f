import type { PooledBuffer } from "../../gpu/mod.ts";
import { Tensor } from "../../tensor/mod.ts";
import type { Slab } from "../cache/slab.ts";
import type { AttendedTokens, AttentionStep } from "../step.ts";
import { type GatherPlan, planGather } from "./gather_plan.ts";

const WORKGROUP = 64;

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

/** Threads of one place of a list, all sequences together. */
function gatherThreads(step: AttentionStep): number {
  const { batch, shape } = step.context.cache;
  return batch * shape.keyValueHeads * planOf(step).lanes;
}

function planOf(step: AttentionStep): GatherPlan {
  return step.once("gather plan", () => {
    const { pool, shape: { headSize } } = step.context.cache;
    const { pageTokens, keyType: keys, valueType: values, host } = pool;
    const { software } = step.device.info;
    return planGather({ headSize, pageTokens, keys, values: host ? keys : values, software });
  });
}

/** Where gathered keys and values go, and how keys are turned. */
export interface Gathered {
  /** f32 [batch, KV heads, bound, padded head size]. */
  readonly keys: Tensor;
  /** f32 of the same shape; left undefined where values lie outside the GPU. */
  readonly values: Tensor;
  /** Angles of the positions; with positions "none" any table. */
  readonly rotation: Tensor;
  /** Row of that table that belongs to position 0. Default 0 */
  readonly firstAngle?: number;
  /** By which positions keys are turned: their places in the list, their own, or none. */
  readonly positions: "compact" | "original" | "none";
  /** The listed tokens' keys where the cache's pages don't have them, f32 of the same shape. */
  readonly brought?: Tensor;
  /** The slabs that have the tokens. Default: all of the cache's */
  readonly slabs?: readonly Slab[];
}

/** Copies the keys and values of listed tokens out of the cache's pages, or keys that were brought. */
export function gather(
  step: AttentionStep,
  layer: number,
  attended: AttendedTokens,
  { keys, values, rotation, firstAngle = 0, positions, brought, slabs = step.context.cache.slabs() }: Gathered,
): void {
  const { cache } = step.context;
  const { variant, lanes } = planOf(step);
  const threads = attended.bound * gatherThreads(step);
  const angles = { buffer: rotation.buffer, offset: firstAngle * 4 * cache.shape.headSize };
  using grid = attended.grid?.share() ?? foldGrid(step, attended.counts);
  const sources = brought ? [broughtSource(step, attended, brought)] : pageSources(step, layer, slabs);
  for (const source of sources) {
    step.device.commands.dispatch({
      ...variant,
      params: {
        ...source.params,
        selections: attended.selections,
        ...(variant.kernel === "gather_rotate" && { head_size: cache.shape.headSize }),
        indices_stride: attended.bound,
        positions: ["compact", "original", "none"].indexOf(positions),
      },
      bindings: [
        { buffer: source.keys },
        { buffer: source.values },
        ...[cache.table, attended.indices, attended.counts].map(({ buffer }) => ({ buffer })),
        { ...angles, bytes: rotation.bytes - angles.offset },
        ...[keys, values].map(({ buffer }) => ({ buffer })),
      ],
      groups: Math.ceil(threads / WORKGROUP),
      indirect: { buffer: grid.buffer, offset: 0 },
      work: 8 * cache.shape.headSize * threads / lanes,
    });
  }
}

/** What is gathered from in one call, and how the kernel finds a token there. */
interface GatherSource {
  readonly keys: PooledBuffer;
  readonly values: PooledBuffer;
  readonly params: Readonly<Record<string, number>>;
}

/** Slabs of the cache. */
function pageSources(step: AttentionStep, layer: number, slabs: readonly Slab[]): GatherSource[] {
  const { cache } = step.context;
  return slabs.map((slab) => {
    const keys = slab.keys[layer];
    // The kernel reads something for values; the keys stand in for those that lie elsewhere.
    const values = cache.pool.host ? keys : slab.values[layer];
    return { keys, values, params: { ...cache.addressing(slab), listed: 0 } };
  });
}

/** Brought keys lie as on pages of a list's length, one for each sequence: the kernel turns them as it turns others. */
function broughtSource(step: AttentionStep, { bound }: AttendedTokens, { buffer }: Tensor): GatherSource {
  const { batch, shape } = step.context.cache;
  const params = {
    ...{ batch, heads: shape.keyValueHeads, page_tokens: bound, table_stride: 0, slab_first: 0, slab_pages: batch },
    listed: 1,
  };
  return { keys: buffer, values: buffer, params };
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
  attended?: Pick<AttendedTokens, "counts" | "selections">,
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
