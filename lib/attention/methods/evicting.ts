import { concat, Tensor } from "../../tensor/mod.ts";
import { attentionMass } from "../attend/attention_mass.ts";
import { extendKept, KeptTokens, type KeptVersion } from "../memory/kept_tokens.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { AttentionMethod, MethodName } from "../method.ts";
import { attendRelative, type RelativeOptions, runRelative } from "../attend/relative.ts";
import { type AttendedTokens, type AttentionStep, disposeAttended, type StepLayout, type StepShape } from "../step.ts";

/** A step's lists, before anything is evicted. */
export interface EvictingStep {
  /** The step. */
  readonly step: AttentionStep;
  /** The layer. */
  readonly layer: number;
  /** f32 [batch, rows, query heads, head size], before rotation. */
  readonly queries: Tensor;
  /** Tokens attended to. */
  readonly attended: AttendedTokens;
  /** Per sequence: how many, in each head. */
  readonly counts: readonly number[];
  /** Weights before the step, f32 [batch, KV heads, bound]. */
  readonly weights: Tensor;
  /** What each sequence had kept before. */
  readonly before: readonly KeptVersion[];
  /** Logarithm of each row's sum of exponentials, f32 [batch, rows, query heads]. */
  readonly sums: Tensor;
  /** Gathered keys. */
  readonly keys: Tensor;
}

/**
 * What methods share that forget tokens for good: each KV head keeps a list of its own, attends to it and to the step's
 * tokens, and then thins it out. Evicted tokens still lie in the cache's pages here; nothing reads them again.
 *
 * @example
 * ```ts
 * import { createMethod, Evicting, presets, resolveKnobs } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const method = createMethod("h2o", resolveKnobs({ own: { recent: 50 } }, presets.demo), shape);
 * const step = { length: 1000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertInstanceOf(method, Evicting);
 * assertEquals(method.layout(step).windowStart, 1000 - 1 - 50); // what lies before may be evicted
 * ```
 */
export abstract class Evicting implements AttentionMethod {
  /** The name that tables and figures show. */
  readonly name: MethodName;
  /** `positions` and the method's own matter here. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  abstract readonly cacheGrowth: string;
  /** The lists that it keeps are thinned out by them. */
  readonly readsKeysFor = "the weights by which it evicts";

  /** `knobs` are complete. */
  constructor(name: MethodName, knobs: Readonly<Knobs>) {
    this.name = name;
    this.knobs = knobs;
  }

  /** Newest tokens that are never evicted. */
  abstract get recent(): number;

  /** All tokens before the newest are the middle: which of them are attended to, the layer's list says. */
  layout({ length, rows }: StepShape): StepLayout {
    return { mode: "select", leading: 0, windowStart: Math.max(0, length - rows - this.recent) };
  }

  /** The most tokens that a step of this shape can attend to. */
  abstract scopeBound(step: StepShape): number;

  /** What is kept of each sequence after the step; takes nothing over. */
  abstract keep(step: EvictingStep): KeptVersion[];

  /** Attends in one layer. */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    const { device, context: { cache: { sequences, shape } } } = step;
    const heads = shape.keyValueHeads;
    const memories = sequences.map((sequence) => sequence.memory(layer, () => new KeptTokens()));
    const before = memories.map(({ latest }) => latest);
    const lengths = step.shapes.map(({ length }) => length);
    const counts = before.map(({ count, end }, sequence) => count + lengths[sequence] - end);
    const bound = Math.max(...counts);
    const parts = before.map((version, index) => extendKept(device, version, { heads, length: lengths[index], bound }));
    const indices = concat(parts.map(({ tokens }) => tokens), 0);
    using weights = concat(parts.map((part) => part.weights), 0);
    for (const part of parts) disposeParts(part);
    const perHead = Uint32Array.from({ length: counts.length * heads }, (_, list) => counts[Math.floor(list / heads)]);
    const attended = {
      indices,
      counts: Tensor.from(device, perHead, [counts.length, heads], "attended counts"),
      selections: heads,
      bound,
    };
    raiseScope(step, bound);
    const { output: own, sums, keys } = runRelative(step, layer, queries, attended, PLAIN);
    const output = step.root.bring ? attendRelative(step, layer, queries, attended, PLAIN) : own.share();
    own[Symbol.dispose]();
    const kept = this.keep({ step, layer, queries, attended, counts, weights, before, sums, keys });
    kept.forEach((version, sequence) => memories[sequence].push(version));
    sums[Symbol.dispose]();
    keys[Symbol.dispose]();
    record(step, layer, attended);
    return output;
  }
}

/** Rotary positions as they are: distances in the context, or between places in the list. */
export const PLAIN: RelativeOptions = { relative: { rule: "capped", near: Infinity } };

/** How much attention each entry of the lists gets from given queries, f32 [batch, KV heads, bound]. */
export function gainOf({ step, attended, keys }: EvictingStep, queries: Tensor, sums: Tensor): Tensor {
  return attentionMass(step, { queries, attended, keys, sums, options: PLAIN });
}

function disposeParts({ tokens, weights }: { tokens: Tensor; weights: Tensor }): void {
  tokens[Symbol.dispose]();
  weights[Symbol.dispose]();
}

/** Takes note of a scope that the host knows. */
function raiseScope(step: AttentionStep, value: number): void {
  step.device.commands.dispatch({
    kernel: "raise",
    params: { value },
    bindings: [{ buffer: step.context.scope.buffer }],
    groups: 1,
    work: 1,
  });
}

/** Hands the lists to the trace; no token stands out among those kept. */
function record(step: AttentionStep, layer: number, attended: AttendedTokens): void {
  const { trace } = step.context;
  if (!trace) return disposeAttended(attended);
  const [batch, heads] = attended.counts.shape;
  const selection = {
    marks: Tensor.zeros(step.device, [batch, heads, 1], "u32", "marks"),
    centers: Tensor.zeros(step.device, [batch, heads, 1, 2], "u32", "centers"),
    centerCounts: Tensor.zeros(step.device, [batch, heads], "u32", "center counts"),
  };
  trace.recordSelection(step, layer, attended, selection);
}
