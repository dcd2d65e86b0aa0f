import { Tensor } from "../../tensor/mod.ts";
import { gather } from "./gather.ts";
import { headVectors } from "../shape.ts";
import type { AttendedTokens, AttentionStep, BroughtVectors } from "../step.ts";

/** Distances are kept up to `near`; farther ones stop growing there, or go on by steps of `1 / leak`. */
export interface CappedPositions {
  /** The rule's name. */
  readonly rule: "capped";
  /** Distances below it are kept; a whole number, `Infinity` keeps all. */
  readonly near: number;
  /** Steps of distance that make one beyond `near`; a whole number. Default: distances stop growing. */
  readonly leak?: number;
}

/** Distances are kept up to `near`; tokens farther off are counted in groups. */
export interface GroupedPositions {
  /** The rule's name. */
  readonly rule: "grouped";
  /** Distances below it are kept. */
  readonly near: number;
  /** Tokens of a group. */
  readonly group: number;
}

/** Distances within a chunk are kept; those to earlier chunks are counted from a fixed place. */
export interface ChunkedPositions {
  /** The rule's name. */
  readonly rule: "chunked";
  /** Tokens of a chunk. */
  readonly chunk: number;
  /** The largest position of a query. */
  readonly most: number;
}

/** How the relative position of a query and a key comes from their places in the context. */
export type RelativePositions = CappedPositions | GroupedPositions | ChunkedPositions;

/** What attention with relative positions of its own needs besides queries and tokens. */
export interface RelativeOptions {
  /** How relative positions come about. */
  readonly relative: RelativePositions;
  /** Positions of listed tokens: their own, or their places in the list. Default: the method's knob. */
  readonly positions?: "compact" | "original";
  /** A row sees its last so many tokens, and what lies before the first row's; 0: all. Default 0. */
  readonly slide?: number;
  /** With `slide`: leading tokens that every row sees. Default 0. */
  readonly leading?: number;
  /** Whether the list ends with the rows' own tokens; otherwise every row sees all of it, without positions. Default true. */
  readonly causal?: boolean;
}

/** Gathered keys and what rows made of them. */
export interface RelativeAttention {
  /** f32 [batch, rows, query heads, head size]. */
  readonly output: Tensor;
  /** Logarithm of each row's sum of exponentials, f32 [batch, rows, query heads]. */
  readonly sums: Tensor;
  /** Keys, not turned, f32 [batch, KV heads, bound, padded head size]. */
  readonly keys: Tensor;
}

/**
 * Attends over listed tokens, each pair of query and key turned by a relative position of its own: what absolute
 * positions can't give, since far and near tokens are counted differently.
 *
 * @param queries f32 [batch, rows, query heads, head size], before rotation
 * @returns f32 of the queries' shape
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
 * const relative = { rule: "capped", near: 64 } as const;
 * using y = attention.attendRelative(step, 0, x, attention.listOuter(step, 0), { relative });
 * assertEquals([...await y.read()], [1, 2]); // one token sees itself alone
 * ```
 */
export function attendRelative(
  step: AttentionStep,
  layer: number,
  queries: Tensor,
  attended: AttendedTokens,
  options: RelativeOptions,
): Tensor {
  const { bring } = step.root;
  if (bring) {
    const run = (queries: Tensor, attended: AttendedTokens, brought: BroughtVectors) =>
      outputOf(runRelative(step, layer, queries, attended, options, brought));
    return bring({ queries, attended, run });
  }
  return outputOf(runRelative(step, layer, queries, attended, options));
}

function outputOf({ output, sums, keys }: RelativeAttention): Tensor {
  sums[Symbol.dispose]();
  keys[Symbol.dispose]();
  return output;
}

/**
 * The same, with what later sums over rows need; the caller disposes all of it.
 *
 * @param brought what the cache's pages don't have of the tokens; without values the output means nothing there
 */
export function runRelative(
  step: AttentionStep,
  layer: number,
  queries: Tensor,
  attended: AttendedTokens,
  options: RelativeOptions,
  brought?: BroughtVectors,
): RelativeAttention {
  const { device, context: { cache } } = step;
  const { keyValueHeads, headSize } = cache.shape;
  const [batch, rows, queryHeads] = queries.shape;
  const padded = 4 * headVectors(headSize);
  const shape = [cache.batch, keyValueHeads, attended.bound, padded];
  const keys = Tensor.empty(device, shape, "f32", "gathered keys");
  using values = Tensor.empty(device, shape, "f32", "gathered values");
  const angles = anglesOf(step, attended, options);
  const into = { keys, values, rotation: angles, positions: "none", brought: brought?.keys } as const;
  gather(step, layer, attended, into);
  const output = Tensor.empty(device, queries.shape, "f32", "attention output");
  const sums = Tensor.empty(device, [batch, rows, queryHeads], "f32", "sums of exponentials");
  const SHARE = queryHeads / keyValueHeads % 2 === 0 ? 2 : 1;
  const WORKGROUP = device.info.software ? 8 : 64;
  const rowGroups = Math.ceil(batch * rows * queryHeads / SHARE / WORKGROUP);
  const plan = planRelativeSplit(rowGroups, attended.bound, device.info.software);
  const partShape = [batch, rows, queryHeads, plan.splits, headSize + 2];
  using parts = plan.splits > 1 ? Tensor.empty(device, partShape, "f32", "attention parts") : undefined;
  const gathered = [keys, brought?.values ?? values, attended.indices, attended.counts, angles];
  device.commands.dispatch({
    kernel: "relative_attention",
    overrides: { WORKGROUP },
    constants: {
      ...relativeConstants(options.relative, headSize),
      SIZE: headSize,
      SHARE,
      SPLIT: Number(parts !== undefined),
    },
    params: {
      ...{ ...relativeParams(step, queries, attended, options), padded, ...sight(options) },
      ...{ row_groups: rowGroups, splits: plan.splits, split_keys: plan.splitKeys },
    },
    bindings: [queries, ...gathered, parts ?? output, sums].map(({ buffer }) => ({ buffer })),
    groups: rowGroups * plan.splits,
    work: 4 * batch * rows * queryHeads * attended.bound * headSize,
  });
  if (parts) joinRelative(parts, output, sums);
  return { output, sums, keys };
}

/** Threads' turns through a list at most, where it is split: llvmpipe ends loops after some more. */
const MOST_TURNS = 60_000;
/** Workgroups that keep an adapter busy, and places that are worth a split. */
const SOFTWARE_SPLIT = { groups: 4, places: 1024 };
const HARDWARE_SPLIT = { groups: 1024, places: 128 };

/** In how many splits a list is attended to, where its rows and heads make so many workgroups, and how many places each has. */
export function planRelativeSplit(rowGroups: number, places: number, software: boolean) {
  const { groups, places: fewest } = software ? SOFTWARE_SPLIT : HARDWARE_SPLIT;
  const wanted = Math.min(Math.floor(groups / rowGroups), Math.ceil(places / fewest));
  const splitKeys = Math.ceil(places / Math.max(1, wanted, Math.ceil(places / MOST_TURNS)));
  return { splitKeys, splits: Math.ceil(places / splitKeys) };
}

function joinRelative(parts: Tensor, output: Tensor, sums: Tensor): void {
  const [splits, width] = parts.shape.slice(-2);
  const WORKGROUP = 64;
  parts.device.commands.dispatch({
    kernel: "relative_join",
    overrides: { WORKGROUP },
    params: { size: width - 2, splits, elements: output.size },
    bindings: [parts, output, sums].map(({ buffer }) => ({ buffer })),
    groups: Math.ceil(output.size / WORKGROUP),
    work: output.size * splits,
  });
}

function sight({ slide = 0, leading = 0 }: RelativeOptions): Record<string, number> {
  return { slide, leading };
}

/** Constants by which a kernel knows the rule. */
export function relativeConstants(relative: RelativePositions, headSize: number): Record<string, number> {
  return { RULE: ["capped", "grouped", "chunked"].indexOf(relative.rule), HALF: headSize / 2 };
}

/** Parameters that kernels with relative positions share. */
export function relativeParams(
  step: AttentionStep,
  queries: Tensor,
  attended: AttendedTokens,
  { relative, positions, causal = true }: RelativeOptions,
): Record<string, number> {
  const { keyValueHeads, headSize } = step.context.cache.shape;
  const [batch, rows, queryHeads] = queries.shape;
  const rule = {
    near: relative.rule === "chunked" ? 0 : Math.min(relative.near, 2 ** 31),
    fine: relative.rule === "capped" ? relative.leak ?? 1 : 1,
    slope: Number(relative.rule === "capped" && relative.leak !== undefined),
    group: relative.rule === "grouped" ? relative.group : relative.rule === "chunked" ? relative.chunk : 1,
    most: relative.rule === "chunked" ? relative.most : 0,
  };
  return {
    ...{ batch, rows, query_heads: queryHeads, heads: keyValueHeads, selections: attended.selections },
    ...{ bound: attended.bound, causal: Number(causal), ...rule },
    compact: Number((positions ?? step.context.method.knobs.positions) === "compact"),
    scale: 1 / Math.sqrt(headSize),
  };
}

/** Angles of all relative positions that can come up. */
export function anglesOf(step: AttentionStep, attended: AttendedTokens, options: RelativeOptions): Tensor {
  const { context: { rotation, cache, method } } = step;
  const { relative } = options;
  const compact = (options.positions ?? method.knobs.positions) === "compact";
  const longest = compact ? attended.bound : Math.max(...cache.lengths);
  if (options.causal === false) return rotation.upTo(1);
  if (relative.rule === "grouped") return rotation.upTo(relative.near + Math.ceil(longest / relative.group) + 1);
  if (relative.rule === "chunked") return rotation.upTo(Math.max(relative.most + 1, relative.chunk));
  const { near, leak } = relative;
  if (leak === undefined) return rotation.upTo(Math.min(near + 1, longest));
  const table = rotation.scaled("leak", `${leak}`, (frequencies) => frequencies.map((value) => value / leak));
  return table.upTo(Math.min(near, longest) * leak + longest + 1);
}
