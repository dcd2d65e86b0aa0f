import type { Binding } from "../gpu/mod.ts";
import type { Tensor } from "./tensor.ts";

/** What parts of attention belong to. */
export interface AttentionRows {
  /** Rows of the step. */
  readonly step_rows: number;
  /** Query heads. */
  readonly query_heads: number;
  /** KV heads. */
  readonly heads: number;
}

/** So many rows of all heads, of so few parts, are joined by a thread a vector: when decoding there are few rows of many parts. */
const MANY_ROWS = 1024;
const FEW_PARTS = 32;
const JOIN_THREADS = 128;

/**
 * Joins attention over parts of the keys: each row's sums, brought to one largest score, over their weights.
 *
 * @param parts f32 [batch * KV heads, pairs of (row, head of the group), parts, d + 4]: the sums, and behind them the largest score
 * and the weights' sum; d is a multiple of 4
 * @param output f32 [batch, rows, query heads, d]
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { joinAttentionParts, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * const sums = [1, 1, 1, 1, 0, 1, 0, 0, 3, 3, 3, 3, 0, 1, 0, 0]; // two parts, each of one token with a score of 0
 * using parts = Tensor.from(device, new Float32Array(sums), [1, 1, 2, 8]);
 * using output = Tensor.zeros(device, [1, 1, 1, 4]);
 * joinAttentionParts(parts, { step_rows: 1, query_heads: 1, heads: 1 }, { buffer: output.buffer });
 * assertEquals([...await output.read()], [2, 2, 2, 2]);
 * ```
 */
export function joinAttentionParts(parts: Tensor, rows: AttentionRows, output: Binding): void {
  const [groups, pairs, splits, width] = parts.shape;
  const d4 = width / 4 - 1;
  const many = groups * pairs >= MANY_ROWS && splits <= FEW_PARTS;
  const vectors = groups * pairs * d4;
  parts.device.commands.dispatch({
    kernel: many ? "attention_join" : "attention_combine",
    constants: many ? { D4: d4, AHEAD: aheadOf(splits) } : combineConstants(splits, d4),
    ...(many && { overrides: { WORKGROUP: JOIN_THREADS } }),
    params: { ...rows, splits, ...(many && { vectors }) },
    bindings: [{ buffer: parts.buffer }, output],
    groups: many ? Math.ceil(vectors / JOIN_THREADS) : groups * pairs,
    work: parts.size,
  });
}

/** Most parts that a thread loads before it adds the first, and threads that take parts of one vector in turns. */
const MOST_AHEAD = 8;
const MOST_SLICES = 32;

/** Parts that a thread of attention_join.wgsl loads at a time: as many in each of as few turns as can be. */
function aheadOf(splits: number): number {
  return Math.ceil(splits / Math.ceil(splits / MOST_AHEAD));
}

/** Constants of attention_combine.wgsl, as an H200 was fastest: all parts are on their way at once. */
function combineConstants(splits: number, D4: number): Record<string, number> {
  const THREADS = splits <= 64 && D4 <= 64 ? 128 : 256;
  const SLICES = Math.min(MOST_SLICES, Math.floor(THREADS / D4));
  const each = 2 ** Math.ceil(Math.log2(Math.max(1, splits / SLICES)));
  return { D4, THREADS, SLICES, AHEAD: Math.min(MOST_AHEAD, each) };
}
