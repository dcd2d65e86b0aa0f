import type { PooledBuffer } from "../../gpu/mod.ts";
import { Tensor } from "../../tensor/mod.ts";
import { readsStored } from "../cache/storage.ts";
import { headVectors } from "../shape.ts";
import type { AttendedTokens, AttentionStep } from "../step.ts";

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

function gatherThreads(step: AttentionStep): number {
  const { batch, shape } = step.context.cache;
  return batch * shape.keyValueHeads * shape.headSize / 2;
}

/** Where gathered keys and values go, and how keys are turned. */
export interface Gathered {
  /** f32 [batch, KV heads, bound, padded head size]. */
  readonly keys: Tensor;
  /** f32 of the same shape; left undefined where values lie outside the GPU. */
  readonly values: Tensor;
  /** Angles of the positions; with positions "none" any table. */
  readonly rotation: Tensor;
  /** By which positions keys are turned: their places in the list, their own, or none. */
  readonly positions: "compact" | "original" | "none";
  /** The listed tokens' keys where the cache's pages don't have them, f32 of the same shape. */
  readonly brought?: Tensor;
}

/** Copies the keys and values of listed tokens out of the cache's pages, or keys that were brought; the list needs its grid. */
export function gather(
  step: AttentionStep,
  layer: number,
  attended: AttendedTokens,
  { keys, values, rotation, positions, brought }: Gathered,
): void {
  const { cache } = step.context;
  const { keyType, valueType, host } = cache.pool;
  const threads = attended.bound * gatherThreads(step);
  const sources = brought ? [broughtSource(step, attended, brought)] : pageSources(step, layer);
  for (const source of sources) {
    step.device.commands.dispatch({
      kernel: "gather_rotate",
      ...readsStored({ keys: keyType, values: host ? keyType : valueType }),
      constants: { D4: headVectors(cache.shape.headSize) },
      params: {
        ...source.params,
        selections: attended.selections,
        head_size: cache.shape.headSize,
        indices_stride: attended.bound,
        positions: ["compact", "original", "none"].indexOf(positions),
      },
      bindings: [
        { buffer: source.keys },
        { buffer: source.values },
        ...[cache.table, attended.indices, attended.counts, rotation, keys, values].map(({ buffer }) => ({ buffer })),
      ],
      groups: Math.ceil(threads / WORKGROUP),
      indirect: { buffer: attended.grid!.buffer, offset: 0 },
      work: 16 * threads,
    });
  }
}

/** What is gathered from in one call, and how the kernel finds a token there. */
interface GatherSource {
  readonly keys: PooledBuffer;
  readonly values: PooledBuffer;
  readonly params: Readonly<Record<string, number>>;
}

/** The cache's slabs. */
function pageSources(step: AttentionStep, layer: number): GatherSource[] {
  const { cache } = step.context;
  return cache.slabs().map((slab) => {
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
