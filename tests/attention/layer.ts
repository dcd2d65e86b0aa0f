import {
  attendFromHost,
  type AttentionMethod,
  type AttentionProbe,
  type AttentionShape,
  AttentionStep,
  type AttentionWatch,
  type CacheOptions,
  KeyValueCache,
  type Phase,
  rotaryFrequencies,
  RotationTable,
  Trace,
  type TraceStep,
} from "../../lib/attention/mod.ts";
import type { Device } from "../../lib/gpu/mod.ts";
import { Tensor } from "../../lib/tensor/mod.ts";

/** Rows of one step, token-major: queries [batch, rows, query heads, d], keys and values [batch, rows, KV heads, d]. */
export interface LayerInput {
  rows: number;
  queries: Float32Array;
  keys: Float32Array;
  values: Float32Array;
}

/** How a layer is made, and what looks at its steps: a probe stands in for the trace; with `traced: false` nothing does. */
export type LayerOptions = CacheOptions & {
  ropeBase?: number;
  cache?: KeyValueCache;
  probe?: AttentionProbe;
  watch?: AttentionWatch;
  traced?: boolean;
  windowPositions?: number;
};

/** One attention layer driven by hand, as the tests of methods and goldens want it. */
export class TestLayer {
  readonly cache: KeyValueCache;
  readonly trace: Trace;
  readonly #rotation: RotationTable;
  readonly #scope: Tensor;
  #steps = 0;

  constructor(
    readonly device: Device,
    readonly shape: AttentionShape,
    readonly method: AttentionMethod,
    readonly options: LayerOptions = {},
  ) {
    this.cache = options.cache ?? new KeyValueCache(device, shape, options);
    const frequencies = rotaryFrequencies(shape.headSize, { base: options.ropeBase ?? 10000 });
    this.#rotation = new RotationTable(device, frequencies, options.windowPositions);
    this.#scope = Tensor.zeros(device, [1], "u32", "scope");
    this.trace = new Trace(device, 1000);
  }

  /** Runs one step and returns the layer's output [batch, rows, query heads, d]. */
  async run(input: LayerInput, phase?: Phase, questionStart?: number): Promise<Float32Array> {
    const { cache, method, trace } = this;
    const { queryHeads, keyValueHeads, headSize } = this.shape;
    cache.extend(input.rows);
    const { probe, watch = probe, traced = true } = this.options;
    const context = {
      cache,
      method,
      trace: traced ? probe ?? trace : undefined,
      watch,
      rotation: this.#rotation,
      scope: this.#scope,
    };
    const first = this.#steps++ === 0 && cache.lengths[0] === input.rows;
    using step = new AttentionStep(context, input.rows, {
      phase: phase ?? (input.rows === 1 && !first ? "decode" : "prefill"),
      first,
      questionStart,
    });
    const upload = (data: Float32Array, heads: number) =>
      Tensor.from(this.device, data as Float32Array<ArrayBuffer>, [cache.batch, input.rows, heads, headSize]);
    using queries = upload(input.queries, queryHeads);
    using keys = upload(input.keys, keyValueHeads);
    using values = upload(input.values, keyValueHeads);
    cache.store(0, keys, values, step.layout);
    await method.prepare?.(step, 0, queries);
    using output = cache.pool.host
      ? await attendFromHost(step, 0, queries, { keys, values })
      : method.attend(step, 0, queries);
    return await output.read() as Float32Array;
  }

  /** The largest number of tokens attended to. */
  async scope(): Promise<number> {
    return (await this.#scope.read())[0];
  }

  /** What was selected so far. */
  readTrace(): Promise<TraceStep[]> {
    return this.trace.read();
  }

  [Symbol.dispose](): void {
    this.trace[Symbol.dispose]();
    this.#scope[Symbol.dispose]();
    this.#rotation[Symbol.dispose]();
    this.cache[Symbol.dispose]();
  }
}

/** Turns [heads, rows, d] into [rows, heads, d], or back with the first two sizes swapped. */
export function swapAxes(data: Float32Array, first: number, second: number, size: number): Float32Array<ArrayBuffer> {
  const swapped = new Float32Array(data.length);
  for (let a = 0; a < first; a++) {
    for (let b = 0; b < second; b++) {
      for (let c = 0; c < size; c++) swapped[(b * first + a) * size + c] = data[(a * second + b) * size + c];
    }
  }
  return swapped;
}

/** Deterministic standard normal numbers (Box and Muller over mulberry32). */
export function normals(seed: number, count: number): Float32Array<ArrayBuffer> {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}
