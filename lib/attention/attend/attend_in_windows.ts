import { LimitExceededError } from "../../gpu/mod.ts";
import { causalAttentionInWindows, MOST_KEYS_IN_SOFTWARE, mostKeyWindows, Tensor } from "../../tensor/mod.ts";
import type { Slab } from "../cache/slab.ts";
import { headVectors } from "../shape.ts";
import { type AttendedTokens, type AttentionStep, disposeAttended } from "../step.ts";
import { attendSplit, type SplitCall } from "./attend_split.ts";
import { attendsLanes, splits } from "./decode_way.ts";
import { gather, rotateQueries } from "./gather.ts";
import { listAttended } from "./list_attended.ts";
import type { RotationTable } from "./rotation_table.ts";

/** A stretch of the context, the same for all sequences. */
interface TokenWindow {
  readonly start: number;
  readonly tokens: number;
  /** The slabs that hold any of it. */
  readonly slabs: readonly Slab[];
}

/** Fewest tokens of a window: fewer rows of angles don't start at a place that can be bound. */
const LEAST_TOKENS = 32;

/**
 * Whether a list is attended to in windows: it is the whole context, and that is longer than a window of the rotary table, or than
 * what one binding holds once gathered.
 */
export function inWindows(step: AttentionStep, { all, bound }: AttendedTokens, table: RotationTable): boolean {
  const { cache: { pool, shape } } = step.context;
  if (!all || pool.host || shape.slidingWindow) return false;
  // Threads that read pages gather nothing: only the table has to have the positions.
  return bound > (attendsLanes(step, bound) ? table.windowPositions : mostAtOnce(step, table).kept);
}

/** Most tokens of a window that can be, and of one whose buffers are kept for the next. */
function mostAtOnce(step: AttentionStep, { windowPositions }: RotationTable): { possible: number; kept: number } {
  const { device: { info, buffers }, context: { cache: { batch, shape } } } = step;
  if (splits(step)) return { possible: windowPositions, kept: windowPositions };
  const token = 16 * batch * shape.keyValueHeads * headVectors(shape.headSize);
  const bound = Math.floor(Math.min(info.bindingBytes, info.bufferBytes) / token);
  const possible = Math.min(windowPositions, bound, info.software ? MOST_KEYS_IN_SOFTWARE : Infinity);
  const kept = Math.floor(buffers.scratchBytes / (2 * token));
  return { possible, kept: Math.min(possible, Math.max(LEAST_TOKENS, kept)) };
}

/**
 * Attends to all cached tokens, window by window: no buffer grows with the context but the list and the parts that are joined.
 *
 * @param queries f32 [batch, rows, query heads, head size], before rotation
 * @param attended the list of all tokens
 * @returns f32 of the queries' shape
 * @throws {LimitExceededError} where a window that can be bound would be too short.
 */
export function attendInWindows(
  step: AttentionStep,
  layer: number,
  queries: Tensor,
  attended: AttendedTokens,
  table: RotationTable,
): Tensor {
  const windows = step.once("windows", () => windowsOf(step, windowTokens(step, queries, table)));
  using turned = turnQueries(step, queries, table);
  if (splits(step)) return attendSplit(step, layer, turned, attended, windowCalls(step, windows, table), true);
  const { lengths, shape: { keyValueHeads } } = step.context.cache;
  return causalAttentionInWindows(
    turned,
    keyValueHeads,
    windows.map((window) => ({
      tokens: window.tokens,
      ahead: lengths.map((length) => length - window.start),
      load: () => gatherWindow(step, layer, window, table),
    })),
  );
}

/** Tokens of a window: a power of two, so that none lies in two windows of the rotary table. */
function windowTokens(step: AttentionStep, queries: Tensor, table: RotationTable): number {
  const { possible, kept } = mostAtOnce(step, table);
  const most = powerWithin(possible);
  if (most < LEAST_TOKENS) {
    throw new LimitExceededError(
      `attention to all tokens: ${possible} tokens' keys fit one binding, ${LEAST_TOKENS} must; use a smaller batch`,
    );
  }
  if (splits(step)) return most;
  // Each window leaves sums of its own, so that very many of them would take more than they spare.
  const windows = mostKeyWindows(queries);
  const least = 2 * powerWithin(Math.ceil(Math.max(...step.context.cache.lengths) / windows) - 1);
  return Math.min(most, Math.max(powerWithin(kept), least));
}

function powerWithin(tokens: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, tokens)));
}

function windowsOf({ context: { cache } }: AttentionStep, size: number): TokenWindow[] {
  const longest = Math.max(...cache.lengths);
  const { pageTokens } = cache.pool;
  return Array.from({ length: Math.ceil(longest / size) }, (_, index) => {
    const start = index * size;
    const tokens = Math.min(size, longest - start);
    const pages = cache.sequences.flatMap(({ pages }) => {
      return pages.slice(Math.floor(start / pageTokens), Math.ceil((start + tokens) / pageTokens));
    });
    return { start, tokens, slabs: cache.slabs(pages) };
  });
}

/** Queries rotated by their own positions. */
function turnQueries(step: AttentionStep, queries: Tensor, table: RotationTable): Tensor {
  const rows = queries.shape[1];
  const { lengths } = step.context.cache;
  const angles = table.at(lengths.map((length) => length - rows), rows);
  // The table has each sequence's rows one after another.
  const ends = Uint32Array.from(lengths, (_, sequence) => (sequence + 1) * rows);
  using counts = Tensor.from(step.device, ends, [lengths.length, 1], "ends of rows");
  return rotateQueries(step, queries, angles, { counts, selections: 1 });
}

function windowCalls(step: AttentionStep, windows: readonly TokenWindow[], table: RotationTable): SplitCall[] {
  const { cache } = step.context;
  return windows.flatMap(({ start, tokens, slabs }) => {
    const window = {
      whole: slabs.length === 1,
      firstPlace: start,
      places: tokens,
      rotation: table.window(start / table.windowPositions),
      firstPosition: start,
    };
    return slabs.map((slab) => ({ ...window, slab, addressing: cache.addressing(slab) }));
  });
}

/** A window's keys, rotated by their positions, and values, f32 [batch, KV heads, tokens, padded head size]. */
function gatherWindow(
  step: AttentionStep,
  layer: number,
  { start, tokens, slabs }: TokenWindow,
  table: RotationTable,
): { keys: Tensor; values: Tensor } {
  const { device, context: { cache } } = step;
  const { keyValueHeads, headSize } = cache.shape;
  const parts = cache.lengths.flatMap((length) => {
    const end = Math.min(length, start + tokens);
    return [end, 0, Math.min(start, end), 0];
  });
  using layout = Tensor.from(device, Uint32Array.from(parts), [cache.batch, 4], "window layout");
  const listed = listAttended(step, 1, tokens, undefined, layout);
  const shape = [cache.batch, keyValueHeads, tokens, 4 * headVectors(headSize)];
  const keys = Tensor.empty(device, shape, "f32", "gathered keys");
  const values = Tensor.empty(device, shape, "f32", "gathered values");
  const rotation = table.window(Math.floor(start / table.windowPositions));
  gather(step, layer, listed, {
    ...{ keys, values, rotation, slabs },
    firstAngle: start % table.windowPositions,
    positions: "compact",
  });
  disposeAttended(listed);
  return { keys, values };
}
