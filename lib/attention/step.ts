import type { Device } from "../gpu/mod.ts";
import { Tensor } from "../tensor/mod.ts";
import type { KeyValueCache } from "./kv_cache.ts";
import type { Knobs } from "./knobs.ts";
import type { RotationTable } from "./rotation_table.ts";

/** Whether a step reads the prompt or writes the answer. */
export type Phase = "prefill" | "decode";

/** What a method is told of one sequence's step before it runs. */
export interface StepShape {
  /** Tokens cached, the step's own included. */
  readonly length: number;
  /** Tokens of the step. */
  readonly rows: number;
  /** Whether the step reads the prompt or writes the answer. */
  readonly phase: Phase;
  /** Whether it is the first call that fills the cache. */
  readonly first: boolean;
  /** Index of the question's first token; undefined until a question was asked. */
  readonly questionStart: number | undefined;
}

/** Which parts of the cache one sequence's step attends to. */
export interface StepLayout {
  /** "full": all tokens; "window": leading tokens and window; "select": and tokens picked from the middle. */
  readonly mode: "full" | "window" | "select";
  /** Leading tokens attended to. */
  readonly leading: number;
  /** First token of the window. */
  readonly windowStart: number;
}

/** Tokens attended to, as the GPU knows them. */
export interface AttendedTokens {
  /** Positions in the whole context, rising, u32 [batch, selections, bound]. */
  readonly indices: Tensor;
  /** How many of them, u32 [batch, selections]. */
  readonly counts: Tensor;
  /** The grid that gathering them needs, u32 [3]. */
  readonly grid: Tensor;
  /** 1 where all heads share one list, or the number of KV heads. */
  readonly selections: number;
  /** Most tokens a list can hold. */
  readonly bound: number;
}

/** What a layer selected, for the trace: owned by whoever receives it. */
export interface Selection {
  /** Kept candidates and their votes, u32 [batch, selections, room, 2], in no order; tokens count from the start of the middle. */
  readonly centers: Tensor;
  /** How many, u32 [batch, selections]. */
  readonly centerCounts: Tensor;
  /** Scores of each query's k best tokens, f32 [batch, KV heads, pairs of (row, head of the group), k], falling. */
  readonly topScores: Tensor;
  /** Those tokens, u32 of the same shape, counted from the start of the middle; 2^32 - 1 where there are fewer than k. */
  readonly topTokens: Tensor;
}

/** Gives a selection's buffers back. */
export function disposeSelection({ centers, centerCounts, topScores, topTokens }: Selection): void {
  for (const tensor of [centers, centerCounts, topScores, topTokens]) tensor[Symbol.dispose]();
}

/** What a step needs of its method; methods are more than that. */
export interface StepMethod {
  /** The method's knobs, complete. */
  readonly knobs: Readonly<Knobs>;
  /** Which parts of the cache a step attends to. */
  layout(step: StepShape): StepLayout;
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
}

/**
 * One step through all layers: the newest `rows` tokens of every sequence. Made after the cache was extended,
 * used by each layer in turn, then disposed.
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
  #shared: AttendedTokens | undefined;

  /** Asks the method for each sequence's layout and puts it on the GPU. */
  constructor(
    context: StepContext,
    rows: number,
    about: { phase: Phase; first: boolean; questionStart?: number },
  ) {
    this.context = context;
    this.rows = rows;
    this.shapes = context.cache.lengths.map((length) => ({
      length,
      rows,
      phase: about.phase,
      first: about.first,
      questionStart: about.questionStart,
    }));
    this.layouts = this.shapes.map((shape) => context.method.layout(shape));
    const data = new Uint32Array(4 * this.layouts.length);
    this.layouts.forEach(({ mode, leading, windowStart }, sequence) => {
      const middle = mode === "select" ? windowStart - leading : 0;
      data.set(
        [this.shapes[sequence].length, leading, windowStart, middle],
        4 * sequence,
      );
    });
    this.layout = Tensor.from(
      this.device,
      data,
      [this.layouts.length, 4],
      "step layout",
    );
  }

  /** The device of the cache. */
  get device(): Device {
    return this.context.cache.device;
  }

  /** Longest middle of any sequence; 0 where nothing is selected. */
  get middleLength(): number {
    return Math.max(
      ...this.layouts.map(({ mode, leading, windowStart }) => mode === "select" ? windowStart - leading : 0),
    );
  }

  /** Most tokens that leading part and window of any sequence hold together. */
  get outerLength(): number {
    return Math.max(
      ...this.layouts.map(({ leading, windowStart }, sequence) => leading + this.shapes[sequence].length - windowStart),
    );
  }

  /** A list that is the same in every layer, made at its first use. */
  shared(make: () => AttendedTokens): AttendedTokens {
    return this.#shared ??= make();
  }

  /** Gives the step's buffers back. */
  [Symbol.dispose](): void {
    this.layout[Symbol.dispose]();
    if (this.#shared) disposeAttended(this.#shared);
  }
}

/** Gives a list's buffers back. */
export function disposeAttended(
  { indices, counts, grid }: AttendedTokens,
): void {
  indices[Symbol.dispose]();
  counts[Symbol.dispose]();
  grid[Symbol.dispose]();
}
