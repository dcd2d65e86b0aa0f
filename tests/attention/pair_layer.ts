import type { AttentionMethod, AttentionShape } from "../../lib/attention/mod.ts";
import type { Device } from "../../lib/gpu/mod.ts";
import { type Dense, dense } from "../../lib/reference/mod.ts";
import { normals, swapAxes, TestLayer } from "./layer.ts";

/** Steps of one sequence with random numbers, fed to a method; what was fed is kept for an oracle. */
export class PairLayer {
  readonly layer: TestLayer;
  #keys: Float32Array[] = [];
  #values: Float32Array[] = [];
  #seed: number;

  constructor(device: Device, readonly shape: AttentionShape, method: AttentionMethod, seed: number, pageTokens = 32) {
    this.layer = new TestLayer(device, shape, method, { pageTokens });
    this.#seed = seed;
  }

  /** Runs a step; the oracle's input, head by head, and the method's output likewise. */
  async step(rows: number): Promise<{ queries: Dense; keys: Dense; values: Dense; found: Float32Array }> {
    const { queryHeads, keyValueHeads, headSize } = this.shape;
    const numbers = (heads: number) => normals(this.#seed++, rows * heads * headSize);
    const [queries, keys, values] = [queryHeads, keyValueHeads, keyValueHeads].map(numbers);
    const output = await this.layer.run({ rows, queries, keys, values });
    this.#keys.push(keys);
    this.#values.push(values);
    return {
      queries: dense(swapAxes(queries, rows, queryHeads, headSize), [queryHeads, rows, headSize]),
      keys: this.#all(this.#keys),
      values: this.#all(this.#values),
      found: swapAxes(output, rows, queryHeads, headSize),
    };
  }

  #all(parts: readonly Float32Array[]): Dense {
    const { keyValueHeads, headSize } = this.shape;
    const flat = Float32Array.from(parts.flatMap((part) => [...part]));
    const length = flat.length / (keyValueHeads * headSize);
    return dense(swapAxes(flat, length, keyValueHeads, headSize), [keyValueHeads, length, headSize]);
  }

  [Symbol.dispose](): void {
    this.layer[Symbol.dispose]();
  }
}
