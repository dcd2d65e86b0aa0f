import { LimitExceededError } from "../gpu/mod.ts";
import { joinAttentionParts } from "./attention_parts.ts";
import { attentionSplits, bufferTile, splitParams } from "./attention_tiles.ts";
import { checkDevice, checkType, tensorText } from "./checks.ts";
import { cutHeads, padHeads } from "./causal_attention.ts";
import { Tensor } from "./tensor.ts";

/** Keys and values of a stretch of a longer context. */
export interface KeyWindow {
  /** Most tokens that any sequence has in it. */
  readonly tokens: number;
  /** Per sequence: how many tokens there are from the window's first one up to the last row's own, of which this window may have fewer. */
  readonly ahead: readonly number[];
  /** Brings its keys, rotated, and values, f32 [batch, KV heads, tokens, padded d]; both are disposed after use. */
  load(): { readonly keys: Tensor; readonly values: Tensor };
}

/** Most bytes of all windows' parts together. */
const MOST_PARTS_BYTES = 2 ** 30;

/**
 * Causal attention over keys that come in windows, one after another: each window's sums are kept as parts, which are joined at
 * the end. Equal to `causalAttention` over all of them, but for the order of its sums.
 *
 * @param queries f32 [batch, rows S, query heads, d], already rotated
 * @param heads KV heads; query heads are a multiple of it
 * @param windows all tokens of the context, each in one window
 * @returns f32 of the queries' shape
 * @throws {TypeError} where shapes or types do not fit, naming them.
 * @throws {LimitExceededError} where the parts of so many windows pass what one binding holds.
 *
 * @example Two tokens, one a window
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { causalAttention, causalAttentionInWindows, Tensor } from "@reattention/toolkit/tensor";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using query = Tensor.from(device, new Float32Array([1, 0, 0, 0]), [1, 1, 1, 4]);
 * using keys = Tensor.from(device, new Float32Array([1, 2, 3, 4, 5, 6, 7, 8]), [1, 2, 1, 4]);
 * const load = (token: number) => {
 *   const key = Tensor.from(device, new Float32Array([1, 2, 3, 4]).map((value) => value + 4 * token), [1, 1, 1, 4]);
 *   return { keys: key, values: key.share() };
 * };
 * const windows = [{ tokens: 1, ahead: [2], load: () => load(0) }, { tokens: 1, ahead: [1], load: () => load(1) }];
 * using joined = causalAttentionInWindows(query, 1, windows);
 * using whole = causalAttention(query, keys, keys);
 * assertAlmostEquals((await joined.read())[0], (await whole.read())[0], 1e-5);
 * ```
 */
export function causalAttentionInWindows(queries: Tensor, heads: number, windows: readonly KeyWindow[]): Tensor {
  checkType("causalAttentionInWindows", queries, ["f32"]);
  const { device, shape: [batch, rows, queryHeads, headSize] } = queries;
  if (queries.shape.length !== 4 || heads < 1 || queryHeads % heads) {
    throw new TypeError(
      `causalAttentionInWindows: queries ${
        tensorText(queries)
      } must be of four sizes, the third a multiple of ${heads} KV heads`,
    );
  }
  const pairs = rows * queryHeads / heads;
  const padded = 4 * Math.ceil(headSize / 4);
  const tile = bufferTile(device, pairs, padded / 4);
  const groups = batch * heads * Math.ceil(pairs / tile.pairs);
  const most = mostSplits(queries, heads, windows.length);
  const splits = windows.map(({ tokens }) => Math.min(most, attentionSplits(tile, groups, tokens)));
  const all = splits.reduce((sum, count) => sum + count, 0);
  const shared = { step_rows: rows, query_heads: queryHeads, heads };
  // Tiles read four channels of a query at a time.
  using asked = tile.across ? padHeads(queries) : queries.share();
  using output = Tensor.empty(device, [batch, rows, queryHeads, padded], "f32", "attention output");
  using parts = Tensor.empty(device, [batch * heads, pairs, all, padded + 4], "f32", "attention parts");
  let first = 0;
  windows.forEach(({ tokens, ahead, load }, index) => {
    const loaded = load();
    using keys = loaded.keys;
    using values = loaded.values;
    checkWindow(queries, keys, values, [batch, heads, tokens, padded]);
    using counts = Tensor.from(
      device,
      Uint32Array.from(ahead, (count) => Math.max(0, count)),
      [batch, 1],
      "token counts",
    );
    device.commands.dispatch({
      kernel: tile.kernel,
      constants: { ...tile.constants, SPLIT: 1 },
      params: {
        ...shared,
        ...{ first_sequence: 0, selections: 1, head_size: headSize },
        ...{ sequence_stride: heads * tokens * padded / 4, head_stride: tokens * padded / 4, token_stride: padded / 4 },
        ...{ scale: 1 / Math.sqrt(headSize), slide: 0, tokens },
        ...{ parts: all, first_part: first, ...splitParams(tile, splits[index], tokens, batch) },
      },
      bindings: [asked, keys, values, counts, parts].map(({ buffer }) => ({ buffer })),
      groups: groups * splits[index],
      work: 2 * batch * queryHeads * rows * tokens * headSize,
    });
    first += splits[index];
  });
  joinAttentionParts(parts, shared, { buffer: output.buffer });
  return cutHeads(output, queries.shape);
}

/**
 * In how many windows attention of these queries should come at most, so that what they leave for the join stays within a step's scratch
 * (`BufferPool.scratchBytes`); at least 1.
 *
 * @param queries f32 [batch, rows, query heads, d]
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { mostKeyWindows, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open({ idleBytes: 8192 });
 * using queries = Tensor.zeros(device, [1, 2, 1, 60]); // a window leaves 2 sums of 60 channels, each with a vector of weights
 * assertEquals(mostKeyWindows(queries), 4);
 * ```
 */
export function mostKeyWindows(queries: Tensor): number {
  const bytes = Math.min(mostPartsBytes(queries), queries.device.buffers.scratchBytes);
  return Math.max(1, Math.floor(bytes / partBytes(queries)));
}

/** Bytes of what one window leaves, not split. */
function partBytes({ shape: [batch, rows, queryHeads, headSize] }: Tensor): number {
  return 4 * batch * rows * queryHeads * (4 * Math.ceil(headSize / 4) + 4);
}

function mostPartsBytes({ device }: Tensor): number {
  return Math.min(device.commands.limits.bindingBytes, device.info.bufferBytes, MOST_PARTS_BYTES);
}

/** In how many parts each window may be split at most, so that all parts fit one binding. */
function mostSplits(queries: Tensor, heads: number, windows: number): number {
  const [, rows, queryHeads] = queries.shape;
  const bytes = partBytes(queries);
  const most = Math.floor(mostPartsBytes(queries) / bytes / windows);
  if (most > 0) return Math.max(1, Math.min(most, Math.floor(queries.device.buffers.scratchBytes / bytes / windows)));
  const { bindingBytes } = queries.device.commands.limits;
  throw new LimitExceededError(
    `causalAttentionInWindows: sums of ${rows} rows (${queryHeads} query heads, ${heads} KV heads) in ${windows} windows take ` +
      `${bytes * windows} bytes, past one binding of ${bindingBytes}; take fewer rows at a time`,
  );
}

function checkWindow(queries: Tensor, keys: Tensor, values: Tensor, shape: readonly number[]): void {
  for (const tensor of [keys, values]) {
    checkType("causalAttentionInWindows", tensor, ["f32"]);
    checkDevice("causalAttentionInWindows", queries, tensor);
    if (tensor.shape.join() === shape.join()) continue;
    throw new TypeError(
      `causalAttentionInWindows: a window's keys or values ${tensorText(tensor)} must be [${shape.join(", ")}]`,
    );
  }
}
