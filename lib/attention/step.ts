import type { Device } from "../gpu/mod.ts";
import { Tensor } from "../tensor/mod.ts";
import { type AttendedTokens, disposeAttended, shareAttended } from "./attended_tokens.ts";
import type { KeyValueCache } from "./cache/kv_cache.ts";
import { Zeros } from "./cache/zeros.ts";
import type { LayerPicks } from "./memory/held_selection.ts";
import type { Knobs } from "./knobs/knobs.ts";
import type { RotationTable } from "./attend/rotation_table.ts";
import type { Phase, StepLayout, StepShape } from "./step_shape.ts";

export type { Phase, StepLayout, StepShape };
export { type AttendedTokens, disposeAttended, shareAttended };

/** What the queries of a layer voted for. */
export interface TopTokens {
  /** Scores of each query's k best tokens, f32 [batch, KV heads, pairs of (row, head of the group), k], falling. */
  readonly scores: Tensor;
  /** Those tokens, u32 of the same shape, counted from the start of the middle; 2^32 - 1 where there are fewer than k. */
  readonly tokens: Tensor;
}

/**
 * What a layer selected: marked tokens of the middle, u32 [batch, selections, words]; kept candidates and their votes, u32
 * [batch, selections, room, 2], in no order, counted from the start of the middle; how many, u32 [batch, selections].
 */
export interface Selection extends LayerPicks {
  /** What the queries voted for; undefined where the step went on with an earlier selection. */
  readonly top?: TopTokens;
}

/** Gives a selection's buffers back. */
export function disposeSelection({ marks, centers, centerCounts, top }: Selection): void {
  for (const tensor of [marks, centers, centerCounts, top?.scores, top?.tokens]) tensor?.[Symbol.dispose]();
}

/** What a step needs of its method; methods are more than that. */
export interface StepMethod {
  /** The method's knobs, complete. */
  readonly knobs: Readonly<Knobs>;
  /** Which parts of the cache a step attends to. */
  layout(step: StepShape): StepLayout;
  /**
   * Whether layers of this step would do nothing but attend to the same tokens in each, and keep nothing: where a layer's
   * output is not wanted, it can then be left out. Default: no.
   */
  onlyAttends?(step: AttentionStep): boolean;
  /** Does what has to be waited for before a layer attends; methods without such work have none. */
  prepare?(step: AttentionStep, layer: number, queries: Tensor): Promise<void>;
  /**
   * What it reads values for besides attending, in words; values must then lie on the GPU. Default: nothing.
   */
  readonly readsValuesFor?: string;
  /**
   * What it reads keys for besides attending, in words; keys must then lie on the GPU. A method that scores by a memory of its own,
   * and brings the keys that it makes it of (as InfLLM does), reads none there. Default: nothing.
   */
  readonly readsKeysFor?: string;
  /**
   * Attends in one layer.
   *
   * @param step the step, its keys and values already stored
   * @param layer the layer's number
   * @param queries f32 [batch, rows, query heads, head size], before rotation
   * @returns f32 of the same shape
   */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor;
}

/** Takes down what layers attend to. */
export interface StepRecorder {
  /** Records a layer that attended to leading tokens and window; the list stays the step's. */
  recordOuter(step: AttentionStep, layer: number, attended: AttendedTokens): void;
  /** Records a layer's selection and takes it over. */
  recordSelection(step: AttentionStep, layer: number, attended: AttendedTokens, selection: Selection): void;
}

/** One attention over listed tokens, about to run. */
export interface AttendCall {
  /** The step. */
  readonly step: AttentionStep;
  /** The layer's number. */
  readonly layer: number;
  /** f32 [batch, rows, query heads, head size], before rotation. */
  readonly queries: Tensor;
  /** The tokens. */
  readonly attended: AttendedTokens;
  /** Rotary angles of keys and queries. */
  readonly table: RotationTable;
}

/** What was brought of listed tokens from outside the GPU, each f32 [batch, KV heads, bound, padded head size]. */
export interface BroughtVectors {
  /** Their values. */
  readonly values: Tensor;
  /** Their keys, before rotation; undefined where they lie on the GPU. */
  readonly keys?: Tensor;
}

/** Attention over other lists than the method's. */
export interface ChangedAttention {
  /** The lists, one attention over each; given back with this. */
  readonly lists: readonly AttendedTokens[];
  /**
   * Makes one output of theirs, which stay the caller's.
   *
   * @param outputs f32 of the queries' shape, one for each list
   */
  join(outputs: readonly Tensor[]): Tensor;
  /** Gives the lists back. */
  [Symbol.dispose](): void;
}

/** Stands around attention over listed tokens: sees what goes in, and may have it run over other tokens. */
export interface AttentionWatch {
  /**
   * Sees an attention that is about to run.
   *
   * @param call what the method asked for; its tensors stay the method's
   * @returns what runs in its place; undefined: the method's list it is
   */
  attend(call: AttendCall): ChangedAttention | undefined;
}

/** One attention whose values, or keys too, have to be brought before it can run. */
export interface AwaitedAttention {
  /** f32 [batch, rows, query heads, head size], before rotation. */
  readonly queries: Tensor;
  /** The tokens. */
  readonly attended: AttendedTokens;
  /** What runs in its place, if anything does; the receiver gives it back. */
  readonly changed?: ChangedAttention;
  /**
   * Attends.
   *
   * @param brought the tokens' values, and their keys where these lie outside too
   * @returns f32 of the queries' shape
   */
  run(queries: Tensor, attended: AttendedTokens, brought: BroughtVectors): Tensor;
}

/** What a step needs besides its tokens. */
export interface StepContext {
  /** The method that attends. */
  readonly method: StepMethod;
  /** The cache, already extended by the step's rows. */
  readonly cache: KeyValueCache;
  /** Rotary angles of the model. */
  readonly rotation: RotationTable;
  /** u32 [1]: the largest number of tokens attended to so far. */
  readonly scope: Tensor;
  /** Where selections are recorded, if wanted. */
  readonly trace?: StepRecorder;
  /** What stands around attention, if anything does. */
  readonly watch?: AttentionWatch;
}

/** What a method is told of a step of all sequences. */
export interface StepAbout {
  /** Whether the step reads the prompt or writes the answer. */
  readonly phase: Phase;
  /** Whether it is the first call that fills the cache. */
  readonly first: boolean;
  /** Index of the question's first token: one for all sequences, or one for each. */
  readonly questionStart?: number | readonly (number | undefined)[];
}

/**
 * What a method is told of the next `rows` tokens of each sequence, before the cache is extended by them.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { describeStep, KeyValueCache } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using cache = new KeyValueCache(device, { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 4 });
 * cache.extend(100);
 * const [step] = describeStep(cache, 1, { phase: "decode", first: false });
 * assertEquals([step.length, step.rows, step.phase], [101, 1, "decode"]);
 * ```
 */
export function describeStep(cache: KeyValueCache, rows: number, about: StepAbout): StepShape[] {
  const { phase, first, questionStart } = about;
  return cache.sequences.map(({ length, held }, sequence) => ({
    length: length + rows,
    rows,
    phase,
    first,
    questionStart: typeof questionStart === "object" ? questionStart[sequence] : questionStart,
    held: held?.shape,
  }));
}

/**
 * One step through all layers: the newest `rows` tokens of every sequence. Made after the cache was extended,
 * used by each layer in turn, then disposed.
 *
 * @example
 * ```ts
 * import * as attention from "@reattention/toolkit/attention";
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using cache = new attention.KeyValueCache(device, { layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 2 });
 * cache.extend(3);
 * using rotation = new attention.RotationTable(device, new Float32Array([1]));
 * using scope = Tensor.zeros(device, [1], "u32");
 * const context = { method: new attention.FullAttention(attention.presets.demo), cache, rotation, scope };
 * using step = new attention.AttentionStep(context, 3, { phase: "prefill", first: true });
 * assertEquals([step.layouts[0].mode, step.outerLength, step.middleLength], ["full", 3, 0]);
 * ```
 */
export class AttentionStep {
  /** What the step runs on. */
  readonly context: StepContext;
  /** Tokens of the step. */
  readonly rows: number;
  /** Per sequence: what the method was told. */
  readonly shapes: readonly StepShape[];
  /** Per sequence: what is attended to. */
  readonly layouts: readonly StepLayout[];
  /** u32 [batch, 4]: tokens cached, leading tokens, start of the window, middle length. */
  readonly layout: Tensor;
  readonly #about: StepAbout;
  readonly #byMethod = new Map<StepMethod, AttentionStep>();
  /** The step that this one is a layer's view of; itself where all layers attend alike. */
  readonly root: AttentionStep;
  /** While it is set on the root, attention is handed to it in place of running: what lies outside the GPU is brought first. */
  bring: ((call: AwaitedAttention) => Tensor) | undefined;
  #shared: AttendedTokens | undefined;
  #selecting: Tensor | undefined;
  readonly #zeros: Zeros;
  readonly #found = new Map<string, unknown>();
  /** Longest middle of any sequence that selects in this step; 0 where none does. */
  readonly middleLength: number;
  /** Most tokens that leading part and window of any sequence hold together. */
  readonly outerLength: number;

  /** Asks the method for each sequence's layout and puts it on the GPU. The cache holds the step's rows already. */
  constructor(context: StepContext, rows: number, about: StepAbout, root?: AttentionStep) {
    this.context = context;
    this.#zeros = new Zeros(context.cache.device);
    this.#about = about;
    this.root = root ?? this;
    this.rows = rows;
    this.shapes = describeStep(context.cache, 0, about).map((shape) => ({ ...shape, rows }));
    this.layouts = this.shapes.map((shape) => context.method.layout(shape));
    this.middleLength = Math.max(...this.layouts.map((layout) => layout.frozen ? 0 : middleOf(layout)));
    this.outerLength = Math.max(
      ...this.layouts.map(({ leading, windowStart }, sequence) => leading + this.shapes[sequence].length - windowStart),
    );
    this.layout = this.#upload((layout) => middleOf(layout));
  }

  /** The same as `layout` with a middle only where this step selects, not where it goes on with earlier picks; the step's own. */
  get selecting(): Tensor {
    return this.#selecting ??= this.layouts.some(({ frozen }) => frozen)
      ? this.#upload((layout) => layout.frozen ? 0 : middleOf(layout))
      : this.layout.share();
  }

  /** The device of the cache. */
  get device(): Device {
    return this.context.cache.device;
  }

  /** What is the same in every layer, found at its first use: `find` is asked once for each name. */
  once<T>(name: string, find: () => T): T {
    if (!this.#found.has(name)) this.#found.set(name, find());
    return this.#found.get(name) as T;
  }

  /** The same step as another method sees it; disposed with this one. */
  by(method: StepMethod): AttentionStep {
    const known = this.#byMethod.get(method);
    if (known) return known;
    const step = new AttentionStep({ ...this.context, method }, this.rows, this.#about, this.root);
    this.#byMethod.set(method, step);
    return step;
  }

  /** A list that is the same in every layer, made at its first use. */
  shared(make: () => AttendedTokens): AttendedTokens {
    return this.#shared ??= make();
  }

  /** A tensor of zeros (u32) that each layer finds and leaves as zeros, made at its first use; the step's own. */
  zeros(label: string, shape: readonly number[]): Tensor {
    return this.#zeros.of(label, shape);
  }

  /** Gives the step's buffers back. */
  [Symbol.dispose](): void {
    this.layout[Symbol.dispose]();
    this.#selecting?.[Symbol.dispose]();
    if (this.#shared) disposeAttended(this.#shared);
    this.#zeros[Symbol.dispose]();
    for (const step of this.#byMethod.values()) step[Symbol.dispose]();
  }

  #upload(middle: (layout: StepLayout) => number): Tensor {
    const rows = this.layouts.flatMap((layout, sequence) => [
      this.shapes[sequence].length,
      layout.leading,
      layout.windowStart,
      middle(layout),
    ]);
    return Tensor.from(this.device, Uint32Array.from(rows), [this.layouts.length, 4], "step layout");
  }
}

function middleOf({ mode, leading, windowStart }: StepLayout): number {
  return mode === "select" ? windowStart - leading : 0;
}
