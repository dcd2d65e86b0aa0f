import type { Device } from "../../lib/gpu/mod.ts";
import type { Tensor } from "../../lib/tensor/mod.ts";
import type { LimitKind } from "./row.ts";

/** What a peer is asked to compute, on inputs numbered 0, 1, ... (see inputs.ts). */
export interface PeerWork {
  /** "matmul" multiplies [rows, depth] by [depth, columns]; "softmax" goes over the last axis. */
  op: "matmul" | "softmax";
  /** Sizes: rows, depth, columns; or rows, columns. */
  sizes: readonly number[];
  /** Places of the result that it sends back, to be compared. */
  places: readonly number[];
}

/** A case that is ready to run. */
export interface OpenCase extends Disposable {
  /** Records one run and returns its result. */
  record(): Disposable | void;
  /** The largest error of a run's result, relative to the largest value that is right. */
  error(): Promise<number>;
}

/** One thing to measure. */
export interface BenchCase {
  /** The group it belongs to. */
  readonly group: string;
  /** Sizes as text. */
  readonly shape: string;
  /** Storage of the operands. */
  readonly dtype: string;
  /** What its time is set against. */
  readonly limit: LimitKind | null;
  /** Floating-point operations or bytes of a run. */
  readonly amount: number;
  /** Times that a recorded run does what is measured; times are told of one. Default 1. */
  readonly perRun?: number;
  /** Largest error that passes. */
  readonly tolerance: number;
  /** What peers are asked for, where they have such a thing; `expected` are the right numbers at its places. */
  readonly peer?: PeerWork & { expected(): Float64Array };
  /** Says more about a time: ratios that the targets are about. */
  notes?(milliseconds: number): Record<string, number | string>;
  /** Makes inputs on the device. */
  open(device: Device): OpenCase;
}

/** A case that runs one operation on inputs of its own. */
export function opened(
  inputs: readonly Tensor[],
  run: () => Tensor,
  compare: (result: Float32Array | Uint32Array | Int32Array | Uint16Array) => number,
): OpenCase {
  return {
    record: run,
    async error() {
      using result = run();
      return compare(await result.read());
    },
    [Symbol.dispose]() {
      for (const input of inputs) input[Symbol.dispose]();
    },
  };
}

/** Largest difference at the places, relative to the largest right value. */
export function errorAt(
  found: ArrayLike<number>,
  places: readonly number[],
  expected: ArrayLike<number>,
): number {
  let worst = 0;
  let largest = 0;
  places.forEach((place, index) => {
    const difference = Math.abs(found[place] - expected[index]);
    worst = Math.max(worst, Number.isNaN(difference) ? Infinity : difference);
    largest = Math.max(largest, Math.abs(expected[index]));
  });
  return worst / Math.max(largest, 1e-30);
}

/** Places spread over `size` elements, the first and last ones included, the same in every run. */
export function somePlaces(size: number, count = 256): number[] {
  const places = Array.from({ length: count }, (_, index) => Math.floor(((index * 0.6180339887498949) % 1) * size));
  return [0, size - 1, ...places];
}
