import type { ModelPart } from "./arguments.ts";

/** Which step is timed. */
export type StepKind = "prefill" | "decode";

/** A step of a part of a model, timed. */
export interface StepRow {
  readonly kind: "step";
  /** The model's shape. */
  readonly model: string;
  /** One layer or all of them, the head included. */
  readonly part: ModelPart;
  /** The method, as tables show it. */
  readonly method: string;
  readonly step: StepKind;
  /** Tokens cached before the step. */
  readonly length: number;
  /** Tokens of the step. */
  readonly rows: number;
  /** Milliseconds of its kernels, by the GPU's timestamps; null where there are none. */
  readonly gpuMilliseconds: number | null;
  /** Milliseconds by the clock, steps one after another. */
  readonly wallMilliseconds: number;
  /** Steps timed. */
  readonly repeats: number;
  /** Bytes that such a step can't do without: weights, keys to score, keys and values to attend to. */
  readonly bytes: number;
  /** Floating-point operations of its products, a multiply-add counted as two. */
  readonly flops: number;
  /** Those bytes over the time, as a share of what the adapter reads at best; null where a step is bound by arithmetic. */
  readonly shareOfReading: number | null;
  /** Most tokens that a head may attend to. */
  readonly scope: number;
  /** Bytes of the cache. */
  readonly cacheBytes: number;
  /** Most bytes of GPU buffers in use at once. */
  readonly peakBytes: number;
}

/** A step that was left out, and why. */
export interface LeftRow {
  readonly kind: "left out";
  readonly model: string;
  readonly part: ModelPart;
  readonly method: string;
  readonly length: number;
  readonly reason: string;
}

/** What follows from measured steps for a whole run. */
export interface DerivedRow {
  readonly kind: "derived";
  readonly model: string;
  readonly method: string;
  /** Tokens of the prompt. */
  readonly length: number;
  /** Seconds to read the prompt and write the first token. */
  readonly firstTokenSeconds: number;
  /** Tokens a second after that. */
  readonly tokensPerSecond: number;
  /** From whole steps, or from one layer's. */
  readonly basis: "whole model" | "one layer";
  /** How both come about. */
  readonly arithmetic: string;
}

/** A row of the results. */
export type ShapesRow = StepRow | LeftRow | DerivedRow;

/** The time that counts: the kernels' where it is known. */
export function millisecondsOf({ gpuMilliseconds, wallMilliseconds }: StepRow): number {
  return gpuMilliseconds ?? wallMilliseconds;
}
