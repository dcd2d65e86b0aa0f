import type { ModelConfig } from "../config/config.ts";
import type { TensorEntry, WeightStore } from "../weights/safetensors.ts";
import { planWeights, type WantedTensor } from "../weights/weight_plan.ts";

/** The tensors that a config asks for, filled with the same few numbers: for runs whose sizes and times count, not their answers. */
export class BlankWeights implements WeightStore {
  readonly names: readonly string[] = [];
  readonly #shapes = new Map<string, readonly number[]>();
  readonly #block: Float32Array<ArrayBuffer>;
  #rows = new Float32Array(0);

  /** `block` is repeated in every matrix; norms are ones. Default: zeros. */
  constructor(config: ModelConfig, block = new Float32Array(1)) {
    this.#block = block;
    const visit = (node: unknown): void => {
      if (typeof node !== "object" || node === null) return;
      if ("tensor" in node) {
        const { tensor, shape } = node as WantedTensor;
        this.#shapes.set(tensor, shape);
      } else Object.values(node).forEach(visit);
    };
    visit(planWeights(config));
  }

  has(name: string): boolean {
    return this.#shapes.has(name);
  }

  entry(name: string): TensorEntry {
    return { dtype: "F32", shape: this.#shapes.get(name)! };
  }

  fileOf(): string {
    return "blank";
  }

  bytes(name: string): number {
    return 4 * this.entry(name).shape.reduce((product, size) => product * size, 1);
  }

  /** The same array each time, written anew. */
  readRows(name: string, firstRow: number, rows: number): Promise<Float32Array<ArrayBuffer>> {
    const [, width = 1] = this.entry(name).shape;
    if (this.#rows.length < rows * width) this.#rows = new Float32Array(rows * width);
    const floats = this.#rows.subarray(0, rows * width);
    if (this.entry(name).shape.length === 1) return Promise.resolve(floats.fill(1));
    if (this.#block.length === 1) return Promise.resolve(floats.fill(this.#block[0]));
    for (let done = 0; done < floats.length;) {
      const from = (firstRow * width + done) % this.#block.length;
      const part = this.#block.subarray(from, from + floats.length - done);
      floats.set(part, done);
      done += part.length;
    }
    return Promise.resolve(floats);
  }

  readFloats(name: string): Promise<Float32Array<ArrayBuffer>> {
    return this.readRows(name, 0, this.entry(name).shape[0]);
  }

  read(): Promise<Uint8Array<ArrayBuffer>> {
    throw new Error("blank weights have no bytes");
  }

  readInts(): Promise<Int32Array<ArrayBuffer>> {
    throw new Error("blank weights have no integers");
  }
}

/** Numbers of mean 0 for `BlankWeights`, the same each time: small, as weights are. */
export function randomBlock(): Float32Array<ArrayBuffer> {
  let state = 1;
  return Float32Array.from({ length: 2 ** 16 + 1 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 0.08 * (state / 2 ** 32 - 0.5);
  });
}
