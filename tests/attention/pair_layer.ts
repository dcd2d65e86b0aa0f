import type { AttentionMethod, AttentionShape } from "../../lib/attention/mod.ts";
import type { Device } from "../../lib/gpu/mod.ts";
import { type Dense, dense } from "../../lib/reference/mod.ts";
import { normals, swapAxes, TestLayer } from "./layer.ts";

/** A step as an oracle wants it, head by head, and what the method made of it. */
export interface PairStep {
  /** [query heads, S, d]. */
  queries: Dense;
  /** The same of all steps so far, [query heads, N, d]. */
  allQueries: Dense;
  /** [KV heads, N, d]. */
  keys: Dense;
  /** [KV heads, N, d]. */
  values: Dense;
  /** The method's output, [query heads, S, d]. */
  found: Float32Array;
}

/** Steps of one sequence with random numbers, fed to a method; what was fed is kept for an oracle. */
export class PairLayer {
  readonly layer: TestLayer;
  #queries: Float32Array[] = [];
  #keys: Float32Array[] = [];
  #values: Float32Array[] = [];
  #seed: number;

  constructor(device: Device, readonly shape: AttentionShape, method: AttentionMethod, seed: number, pageTokens = 32) {
    this.layer = new TestLayer(device, shape, method, { pageTokens });
    this.#seed = seed;
  }

  /** Runs a step; the oracle's input, head by head, and the method's output likewise. */
  async step(rows: number): Promise<PairStep> {
    const { queryHeads, keyValueHeads, headSize } = this.shape;
    const numbers = (heads: number) => normals(this.#seed++, rows * heads * headSize);
    const [queries, keys, values] = [queryHeads, keyValueHeads, keyValueHeads].map(numbers);
    const output = await this.layer.run({ rows, queries, keys, values });
    this.#queries.push(queries);
    this.#keys.push(keys);
    this.#values.push(values);
    return {
      queries: dense(swapAxes(queries, rows, queryHeads, headSize), [queryHeads, rows, headSize]),
      allQueries: this.#all(this.#queries, queryHeads),
      keys: this.#all(this.#keys, keyValueHeads),
      values: this.#all(this.#values, keyValueHeads),
      found: swapAxes(output, rows, queryHeads, headSize),
    };
  }

  #all(parts: readonly Float32Array[], heads: number): Dense {
    const { headSize } = this.shape;
    const flat = Float32Array.from(parts.flatMap((part) => [...part]));
    const length = flat.length / (heads * headSize);
    return dense(swapAxes(flat, length, heads, headSize), [heads, length, headSize]);
  }

  [Symbol.dispose](): void {
    this.layer[Symbol.dispose]();
  }
}
