import { joinAttentionParts } from "./attention_parts.ts";
import { Tensor } from "./tensor.ts";
import { VectorImage } from "./vector_image.ts";

/** How keys and values lie in memory, in elements. */
export interface Strides {
  /** From one sequence to the next. */
  readonly sequence: number;
  /** From one KV head to the next. */
  readonly head: number;
  /** From one token to the next. */
  readonly token: number;
}

/** Threads of a workgroup: numbers of a SIMD register. */
const LANES = 8;
/** Fewest keys of a part, and parts that keep two cores busy with KV heads and sequences of one row each. */
const FEWEST_KEYS = 32;
const ENOUGH_THREADS = 256;
/** Most pairs of a thread: eight were no faster, and three times as long to compile. */
const MOST_PAIRS = 4;

/** How threads on their own share attention: constants of their kernels, parts of the keys, and workgroups. */
export interface LanesPlan {
  /** Pairs (row, query head of a KV head's group) of a thread. */
  readonly PAIRS: number;
  /** Keys that a thread goes through at a time. */
  readonly TOKENS: number;
  /** Parts of the keys. */
  readonly splits: number;
  /** Workgroups of all. */
  readonly workgroups: number;
}

/**
 * Plans attention by threads on their own, for software adapters.
 *
 * @param groups sequences times KV heads
 * @param pairs pairs (row, query head) of each
 * @param channels4 vectors of four channels of a head
 * @param tokens most keys of a sequence
 *
 * @example A row of two query heads: 64 parts of the keys for each of four KV heads
 * ```ts
 * import { lanesPlan } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(lanesPlan(4, 2, 8, 4096), { PAIRS: 2, TOKENS: 4, splits: 64, workgroups: 32 });
 * ```
 */
export function lanesPlan(groups: number, pairs: number, channels4: number, tokens: number): LanesPlan {
  const PAIRS = Math.min(MOST_PAIRS, 2 ** Math.ceil(Math.log2(pairs)));
  // For long heads more are longer to compile than they spare.
  const TOKENS = channels4 <= 16 ? 4 : 2;
  const tiles = Math.ceil(pairs / PAIRS);
  const splits = splitsOf(groups * tiles, tokens);
  return { PAIRS, TOKENS, splits, workgroups: groups * Math.ceil(tiles * splits / LANES) };
}

/** Attention whose keys and values are there, with head sizes padded to whole texels. */
export interface ImageAttention {
  /** f32 [batch, rows, query heads, d], padded with zeros to whole texels. */
  readonly queries: Tensor;
  /** f32, addressed by `strides`. */
  readonly keys: Tensor;
  /** As the keys. */
  readonly values: Tensor;
  /** u32 [batch, 1 or KV heads]; undefined: all `tokens` of every sequence. */
  readonly counts: Tensor | undefined;
  /** KV heads. */
  readonly heads: number;
  /** Most tokens of a sequence. */
  readonly tokens: number;
  /** Of keys and values. */
  readonly strides: Strides;
  /** Keys that a row sees; 0: all. */
  readonly slide: number;
  /** What scores are multiplied with. */
  readonly scale: number;
}

/** Causal attention over copies of keys and values as images; undefined where the device has none so large, or no room. */
export function attendImages(attention: ImageAttention): Tensor | undefined {
  const { queries, keys, values, counts, heads, tokens, strides, slide, scale } = attention;
  const { device, shape: [batch, rows, queryHeads, padded] } = queries;
  const { bindingBytes } = device.commands.limits;
  const D4 = padded / 4;
  const pairs = rows * queryHeads / heads;
  if (queries.size === 0 || tokens === 0 || 4 * Math.max(queries.size, keys.size) > bindingBytes) return undefined;
  const { PAIRS, TOKENS, splits, workgroups } = lanesPlan(batch * heads, pairs, D4, tokens);
  if (4 * batch * heads * pairs * splits * (padded + 4) > bindingBytes) return undefined;
  // Images may be twice as high as what is in them; where they don't fit, buffers do.
  if (2 * 2 * 4 * keys.size > device.memory.roomBytes) return undefined;
  using keyImage = VectorImage.copy(keys, D4, "keys");
  using valueImage = keyImage && VectorImage.copy(values, D4, "values");
  if (!keyImage || !valueImage) return undefined;
  const shared = { step_rows: rows, query_heads: queryHeads, heads };
  using parts = splits > 1
    ? Tensor.empty(device, [batch * heads, pairs, splits, padded + 4], "f32", "attention parts")
    : undefined;
  const output = Tensor.empty(device, queries.shape, "f32", "attention output");
  device.commands.dispatch({
    kernel: "causal_attention_image",
    constants: { D4, PAIRS, TOKENS, WIDTH: keyImage.image.width, SPLIT: parts ? 1 : 0 },
    params: {
      ...shared,
      first_sequence: 0,
      selections: counts?.shape[1] ?? 0,
      head_size: padded,
      sequence_stride: strides.sequence / 4,
      head_stride: strides.head / 4,
      token_stride: strides.token / 4,
      ...{ scale, slide, tokens, splits, parts: splits, first_part: 0 },
    },
    bindings: [
      { buffer: queries.buffer },
      { image: keyImage.image },
      { image: valueImage.image },
      { buffer: (counts ?? queries).buffer },
      { buffer: (parts ?? output).buffer },
    ],
    groups: workgroups,
    work: batch * queryHeads * rows * Math.max(1, tokens - rows / 2) * padded,
  });
  if (!parts) return output;
  joinAttentionParts(parts, shared, { buffer: output.buffer });
  return output;
}

/** Parts of the keys, where rows alone leave lanes idle. */
function splitsOf(threads: number, tokens: number): number {
  const wanted = Math.ceil(ENOUGH_THREADS / threads);
  return Math.max(1, Math.min(wanted, Math.floor(tokens / FEWEST_KEYS)));
}
