import { joinAttentionParts, lanesPlan, Tensor } from "../../tensor/mod.ts";
import { readsVectors } from "../cache/storage.ts";
import type { AttendedTokens, AttentionStep } from "../step.ts";

/**
 * Attends over listed tokens straight from the cache's pages, all in one slab, by threads on their own. Numbers are those of
 * `causalAttentionOver` where that reads images.
 *
 * @param queries f32 [batch, rows, query heads, head size], rotated
 * @param rotation angles of the list's places, or of the tokens' positions
 * @returns f32 of the queries' shape
 */
export function attendLanes(
  step: AttentionStep,
  layer: number,
  queries: Tensor,
  attended: AttendedTokens,
  rotation: Tensor,
): Tensor {
  const { device, context: { cache, method } } = step;
  const { queryHeads, keyValueHeads: heads, headSize } = cache.shape;
  const { keyType, valueType, pageTokens } = cache.pool;
  const keys = readsVectors("key", keyType, { headSize, pageTokens });
  const values = readsVectors("value", valueType, { headSize, pageTokens });
  const groups = cache.batch * heads;
  const pairs = step.rows * queryHeads / heads;
  const { PAIRS, TOKENS, splits, workgroups } = lanesPlan(groups, pairs, headSize / 4, attended.bound);
  const rows = { step_rows: step.rows, query_heads: queryHeads, heads };
  const [slab] = cache.slabs();
  const { page_tokens, table_stride, slab_first } = cache.addressing(slab);
  using parts = splits > 1
    ? Tensor.empty(device, [groups, pairs, splits, headSize + 4], "f32", "attention parts")
    : undefined;
  const output = Tensor.empty(device, queries.shape, "f32", "attention output");
  device.commands.dispatch({
    kernel: "attention_lanes",
    types: { ...keys.types, ...values.types },
    parts: [keys.part, values.part],
    constants: {
      ...{ D8: headSize / 8, D4: headSize / 4, PAIRS, TOKENS, PAGE: pageTokens },
      ...{ KEY_LOADS: headSize / 8 / keys.vectors, VALUE_LOADS: headSize / 4 / values.vectors },
      ...{ IN_ORDER: Number(attended.all === true), SPLIT: Number(parts !== undefined) },
    },
    params: {
      ...rows,
      first_sequence: 0,
      selections: attended.selections,
      ...{ page_tokens, table_stride, slab_first },
      indices_stride: attended.bound,
      original: Number(method.knobs.positions === "original"),
      scale: 1 / Math.sqrt(headSize),
      ...{ tokens: attended.bound, splits, parts: splits, first_part: 0 },
    },
    bindings: [
      queries.buffer,
      slab.keys[layer],
      slab.values[layer],
      ...[cache.table, attended.indices, attended.counts, rotation, parts ?? output].map(({ buffer }) => buffer),
    ].map((buffer) => ({ buffer })),
    groups: workgroups,
    work: 2 * groups * pairs * attended.bound * headSize,
  });
  if (parts) joinAttentionParts(parts, rows, { buffer: output.buffer });
  return output;
}
