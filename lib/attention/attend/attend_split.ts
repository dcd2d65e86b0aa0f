import { joinAttentionParts, Tensor } from "../../tensor/mod.ts";
import type { AttendedTokens, AttentionStep } from "../step.ts";
import type { KeyValueCache } from "../cache/kv_cache.ts";
import type { Slab } from "../cache/slab.ts";
import { planSplit } from "./split_plan.ts";

/** A stretch of the list that lies in one slab, or may. */
export interface SplitCall {
  /** The slab. */
  readonly slab: Slab;
  /** How kernels find tokens in it. */
  readonly addressing: ReturnType<KeyValueCache["addressing"]>;
  /** Whether all of the stretch lies there. */
  readonly whole: boolean;
  /** The first place of the list, and how many. */
  readonly firstPlace: number;
  readonly places: number;
  /** Angles of their positions, and the first of these. */
  readonly rotation: Tensor;
  readonly firstPosition: number;
}

/** A list as one call a slab. */
export function splitCalls(step: AttentionStep, { bound }: AttendedTokens, rotation: Tensor): SplitCall[] {
  const { cache } = step.context;
  const slabs = step.once("slabs", () => cache.slabs().map((slab) => ({ slab, addressing: cache.addressing(slab) })));
  const stretch = { whole: slabs.length === 1, firstPlace: 0, places: bound, rotation, firstPosition: 0 };
  return slabs.map((slab) => ({ ...slab, ...stretch }));
}

/**
 * Attends over listed tokens straight from the cache's pages. Sums run in another order than in `causalAttention`.
 *
 * @param queries f32 [batch, rows, query heads, head size], before rotation
 * @param calls cover the list in every slab
 * @param turned whether the queries are rotated already. Default: by the first call's angles, which are then all there are
 * @returns f32 of the queries' shape
 */
export function attendSplit(
  step: AttentionStep,
  layer: number,
  queries: Tensor,
  attended: AttendedTokens,
  calls: readonly SplitCall[],
  turned = false,
): Tensor {
  const { cache, method } = step.context;
  const { queryHeads, keyValueHeads, headSize } = cache.shape;
  const pairs = step.rows * queryHeads / keyValueHeads;
  const groups = cache.batch * keyValueHeads;
  const longest = Math.max(...calls.map(({ places }) => places));
  const plan = step.once(`attention of ${pairs} pairs split over ${longest} places`, () => {
    const { keyType: keys, valueType: values, pageTokens } = cache.pool;
    const { workgroupBytes } = step.device.info;
    return planSplit({ pairs, headSize, keys, values, pageTokens, lists: groups, places: longest, workgroupBytes });
  });
  const { blockTokens } = plan;
  const splitCount = calls.reduce((sum, { places }) => sum + Math.ceil(places / blockTokens), 0);
  const rows = { step_rows: step.rows, query_heads: queryHeads, heads: keyValueHeads };
  const original = method.knobs.positions === "original";
  const inOrder = attended.all === true;
  using parts = Tensor.empty(step.device, [groups, pairs, splitCount, headSize + 4], "f32", "attention parts");
  let firstSplit = 0;
  for (const { slab, addressing, whole, firstPlace, places, rotation, firstPosition } of calls) {
    const { page_tokens, table_stride, slab_first, slab_pages } = addressing;
    const blocks = Math.ceil(places / blockTokens);
    step.device.commands.dispatch({
      kernel: "attention_split",
      types: plan.types,
      parts: plan.parts,
      constants: {
        ...plan.constants,
        TURNED: Number(turned),
        SHIFTED: Number(firstPosition > 0),
        IN_ORDER: Number(inOrder),
        RELATIVE: Number(inOrder || !original),
        ONE_SLAB: Number(whole),
      },
      params: {
        ...rows,
        splits: splitCount,
        ...{ page_tokens, table_stride, slab_first, slab_pages },
        selections: attended.selections,
        indices_stride: attended.indices.shape[2],
        newer: attended.newer?.tokens ?? 0,
        first_newer: attended.newer?.first ?? 0,
        original: Number(original),
        ...{ blocks, block_tokens: blockTokens, first_place: firstPlace, end_place: firstPlace + places },
        ...{ first_position: firstPosition, first_split: firstSplit },
        scale: 1 / Math.sqrt(headSize),
      },
      bindings: [
        queries.buffer,
        slab.keys[layer],
        slab.values[layer],
        ...[cache.table, attended.indices, attended.counts, rotation, parts].map(({ buffer }) => buffer),
      ].map((buffer) => ({ buffer })),
      groups: groups * blocks,
      work: 2 * groups * places * headSize * pairs,
    });
    firstSplit += blocks;
  }
  const output = Tensor.empty(step.device, queries.shape, "f32", "attention output");
  joinAttentionParts(parts, rows, { buffer: output.buffer });
  return output;
}
