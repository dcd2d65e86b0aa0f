import type { ReferenceKnobs } from "./knobs.ts";

/** How a selecting step divides the cache: [0, middleStart) always, the middle to pick from, [windowStart, N) always. */
export interface MiddleLayout {
  /** First token of the middle: `globalSize`. */
  readonly middleStart: number;
  /** Tokens of the middle. */
  readonly middleLength: number;
  /** First token of the window. */
  readonly windowStart: number;
  /** Tokens of the window, shortened by the alignment. */
  readonly windowLength: number;
}

/** What decides which tokens a step attends to. */
export interface ReferenceStepShape {
  /** Tokens cached, the step's own included. */
  readonly length: number;
  /** Tokens of the step. */
  readonly rows: number;
  /** Whether it is the first call that fills the cache. */
  readonly first: boolean;
  /** Whether the step reads the prompt or writes the answer. */
  readonly phase: "prefill" | "decode";
  /** Index of the question's first token, where it is known. */
  readonly questionStart?: number;
}

/** What a step attends to: all tokens; leading tokens and window; or these and tokens picked from the middle. */
export type ReferenceMode = "full" | "window" | "select";

/** The attention methods, by the names of lib/attention; ReAttention's variants are knobs. */
export type ReferenceMethod = "full" | "streaming" | "reattention";

/**
 * How a selecting step divides the cache (ALGORITHM section 4). With alignment A the window loses 1 to A tokens, so that the
 * middle's length is a multiple of A.
 *
 * @param length tokens cached, the step's own included
 * @param knobs `globalSize`, `window` and `align` matter
 * @returns where middle and window lie
 * @throws {RangeError} if there is no middle: `length` must be more than `globalSize + window`.
 *
 * @example
 * ```ts
 * import { completeKnobs, middleLayout } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const plain = completeKnobs({ globalSize: 8, window: 160, chunkSize: 32 });
 * assertEquals(middleLayout(200, plain).middleLength, 32);
 * const aligned = middleLayout(200, { ...plain, align: 128 });
 * assertEquals([aligned.middleLength, aligned.windowLength], [128, 64]);
 * ```
 */
export function middleLayout(
  length: number,
  { globalSize, window, align }: Pick<ReferenceKnobs, "globalSize" | "window" | "align">,
): MiddleLayout {
  const beyond = length - globalSize - window;
  if (!(beyond > 0)) {
    throw new RangeError(
      `middleLayout: length ${length} must be more than globalSize + window (${globalSize} + ${window})`,
    );
  }
  const lost = align === 0 ? 0 : align - beyond % align;
  return {
    middleStart: globalSize,
    middleLength: beyond + lost,
    windowStart: length - window + lost,
    windowLength: window - lost,
  };
}

/**
 * What a step attends to (ALGORITHM section 3, and `prefill: "window"`, which is this project's).
 *
 * With `prefill: "window"` a step that begins before the question (or, where the question is not known, any prefill step)
 * attends to sinks and window, the first call too.
 *
 * @param step the step
 * @param knobs the layer's
 * @param method default "reattention"
 * @returns the mode
 *
 * @example
 * ```ts
 * import { completeKnobs, stepMode } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const knobs = completeKnobs({ globalSize: 8, window: 64, chunkSize: 16 });
 * assertEquals(stepMode({ length: 100, rows: 1, first: false, phase: "decode" }, knobs), "select");
 * assertEquals(stepMode({ length: 72, rows: 1, first: false, phase: "decode" }, knobs), "full");
 * ```
 */
export function stepMode(
  step: ReferenceStepShape,
  knobs: ReferenceKnobs,
  method: ReferenceMethod = "reattention",
): ReferenceMode {
  if (method === "full" || step.length <= knobs.globalSize + knobs.window) return "full";
  if (method === "streaming" || readsWindowOnly(step, knobs)) return "window";
  if (step.first || !selectsIn(step.phase, knobs.recall)) return "full";
  return knobs.k === 0 ? "window" : "select";
}

function readsWindowOnly({ length, rows, phase, questionStart }: ReferenceStepShape, knobs: ReferenceKnobs): boolean {
  if (knobs.prefill !== "window") return false;
  return questionStart === undefined ? phase === "prefill" : length - rows < questionStart;
}

function selectsIn(phase: "prefill" | "decode", recall: ReferenceKnobs["recall"]): boolean {
  if (recall === "always") return true;
  return recall === (phase === "decode" ? "generate" : "prefill");
}
