import { LimitExceededError } from "../gpu/mod.ts";
import { attendImages, type Strides } from "./attention_images.ts";
import { checkDevice, checkType, tensorText } from "./checks.ts";
import { joinAttentionParts } from "./attention_parts.ts";
import { attendsImages, attentionSplits, bufferTile, splitParams } from "./attention_tiles.ts";
import { concat, slice as cutOut } from "./rearrange.ts";
import { Tensor } from "./tensor.ts";
import { bindRows, rowWindows } from "./windows.ts";

/** Keys that one thread can run through where the driver ends its loops after 65,535 turns (llvmpipe), two keys a turn. */
export const MOST_KEYS_IN_SOFTWARE = 131_000;

/**
 * Causal attention with grouped heads; the score matrix is never written. Row i of S sees keys j <= N - S + i.
 *
 * @param queries f32 [batch, rows S, query heads, d], already rotated
 * @param keys f32 [batch, tokens N, KV heads, d], already rotated; query heads are a multiple of KV heads
 * @param values f32 of the keys' shape
 * @param slide each row sees the last so many of its keys only; 0: all of them. Default 0
 * @returns f32 [batch, S, query heads, d], scores scaled by 1 / sqrt(d)
 * @throws {TypeError} where shapes or types do not fit, naming them.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { causalAttention, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2, 3, 4]), [1, 1, 1, 4]);
 * using y = causalAttention(x, x, x); // one token sees itself alone
 * assertEquals([...await y.read()], [1, 2, 3, 4]);
 * ```
 */
export function causalAttention(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  slide = 0,
): Tensor {
  const [batch, , , headSize] = queries.shape;
  const [keyBatch, tokens, heads, keySize] = keys.shape;
  check(
    queries,
    keys,
    values,
    keyBatch === batch && keySize === headSize && queries.shape[1] <= tokens,
  );
  using paddedKeys = padHeads(keys);
  using paddedValues = padHeads(values);
  const padded = paddedKeys.shape[3];
  return run(queries, paddedKeys, paddedValues, undefined, heads, tokens, {
    sequence: tokens * heads * padded,
    head: padded,
    token: heads * padded,
  }, slide);
}

/**
 * The same over gathered keys and values, of which only the GPU knows how many there are.
 *
 * @param queries f32 [batch, rows, query heads, d], already rotated
 * @param keys f32 [batch, KV heads, bound, padded d], already rotated, padded with zeros to a multiple of 4
 * @param values f32 of the keys' shape
 * @param counts u32 [batch, 1 or KV heads]: how many of the `bound` tokens there are; at least as many as rows
 * @param slide row i sees the last so many of its keys only; 0: all of them. Default 0
 * @returns f32 of the queries' shape
 * @throws {TypeError} where shapes or types do not fit, naming them.
 *
 * @example Two tokens that could be, one that is
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { causalAttentionOver, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using query = Tensor.from(device, new Float32Array([1, 2, 3, 4]), [1, 1, 1, 4]);
 * using keys = Tensor.from(device, new Float32Array([1, 2, 3, 4, 9, 9, 9, 9]), [1, 1, 2, 4]);
 * using counts = Tensor.from(device, new Uint32Array([1]), [1, 1]);
 * using y = causalAttentionOver(query, keys, keys, counts);
 * assertEquals([...await y.read()], [1, 2, 3, 4]);
 * ```
 */
export function causalAttentionOver(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  counts: Tensor,
  slide = 0,
): Tensor {
  const [batch, heads, bound, padded] = keys.shape;
  check(
    queries,
    keys,
    values,
    batch === queries.shape[0] &&
      padded === 4 * Math.ceil(queries.shape[3] / 4),
  );
  checkType("causalAttention", counts, ["u32"]);
  return run(queries, keys, values, counts, heads, bound, {
    sequence: heads * bound * padded,
    head: bound * padded,
    token: padded,
  }, slide);
}

/** The kernel reads four channels at a time: other head sizes end in zeros. */
export function padHeads(rows: Tensor): Tensor {
  const [batch, tokens, heads, size] = rows.shape;
  if (size % 4 === 0) return rows.share();
  using pad = Tensor.zeros(rows.device, [batch, tokens, heads, 4 - size % 4]);
  return concat([rows, pad], 3);
}

function check(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  fits: boolean,
): void {
  for (const tensor of [queries, keys, values]) {
    checkType("causalAttention", tensor, ["f32"]);
    checkDevice("causalAttention", queries, tensor);
  }
  const sameShape = keys.shape.join() === values.shape.join();
  if (
    fits && sameShape && queries.shape.length === 4 && keys.shape.length === 4
  ) return;
  throw new TypeError(
    `causalAttention: queries ${tensorText(queries)}, keys ${tensorText(keys)} and values ${
      tensorText(values)
    } do not fit: ` +
      "they must agree in batch and head size, keys and values in all, and there must be no more queries than keys",
  );
}

function run(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  counts: Tensor | undefined,
  heads: number,
  tokens: number,
  strides: Strides,
  slide = 0,
): Tensor {
  const [batch, rows, queryHeads, headSize] = queries.shape;
  if (heads === 0 || queryHeads % heads) {
    throw new TypeError(
      `causalAttention: ${queryHeads} query heads must be a multiple of ${heads} KV heads`,
    );
  }
  if (queries.device.info.software && tokens > MOST_KEYS_IN_SOFTWARE) {
    throw new LimitExceededError(
      `causalAttention: ${tokens} keys are more than the ${MOST_KEYS_IN_SOFTWARE} that this software adapter runs through; ` +
        "attend to fewer, or use a GPU",
    );
  }
  const pairs = rows * queryHeads / heads;
  if (attendsImages(queries.device, pairs, Math.ceil(headSize / 4))) {
    using asked = padHeads(queries);
    const scale = 1 / Math.sqrt(headSize);
    using output = attendImages({ queries: asked, keys, values, counts, heads, tokens, strides, slide, scale });
    if (output) return cutHeads(output, queries.shape);
  }
  const padded = 4 * Math.ceil(headSize / 4);
  const tile = bufferTile(queries.device, pairs, Math.ceil(headSize / 4), batch * heads * pairs * tokens);
  // Tiles read and write four channels of a query at a time.
  using asked = tile.across ? padHeads(queries) : queries.share();
  const sizes = [asked, keys].map((tensor) => batch === 0 ? 0 : tensor.size / batch);
  const windows = rowWindows(queries.device, "causalAttention", batch, sizes.map((size) => 4 * size));
  using output = Tensor.empty(queries.device, asked.shape, "f32", "attention output");
  for (const window of windows) {
    const groups = window.count * heads * Math.ceil(pairs / tile.pairs);
    const splits = attentionSplits(tile, groups, tokens);
    const shared = { step_rows: rows, query_heads: queryHeads, heads };
    // Where the keys are split, each part's sums are joined afterwards.
    using parts = splits > 1
      ? Tensor.empty(queries.device, [window.count * heads, pairs, splits, padded + 4], "f32", "attention parts")
      : undefined;
    queries.device.commands.dispatch({
      kernel: tile.kernel,
      constants: { ...tile.constants, SPLIT: parts ? 1 : 0 },
      params: {
        ...shared,
        first_sequence: window.start,
        // Where all tokens are there nothing has to be counted, nor brought over.
        selections: counts?.shape[1] ?? 0,
        head_size: headSize,
        sequence_stride: strides.sequence / 4,
        head_stride: strides.head / 4,
        token_stride: strides.token / 4,
        scale: 1 / Math.sqrt(headSize),
        ...{ slide, tokens, parts: splits, first_part: 0 },
        ...splitParams(tile, splits, tokens, window.count),
      },
      bindings: [
        bindRows(asked, sizes[0], window),
        bindRows(keys, sizes[1], window),
        bindRows(values, sizes[1], window),
        counts ? { buffer: counts.buffer } : bindRows(keys, sizes[1], window),
        parts ? { buffer: parts.buffer } : bindRows(output, sizes[0], window),
      ],
      groups: groups * splits,
      work: 2 * window.count * queryHeads * rows * Math.max(1, tokens - rows / 2) * headSize,
    });
    if (parts) joinAttentionParts(parts, shared, bindRows(output, sizes[0], window));
  }
  return cutHeads(output, queries.shape);
}

/** What `padHeads` added is taken off again. */
export function cutHeads(output: Tensor, shape: readonly number[]): Tensor {
  return output.shape[3] === shape[3] ? output.share() : cutOut(output, [0, 0, 0, 0], [...shape]);
}
