import type { Device } from "../../lib/gpu/mod.ts";
import { Decoder, DecoderWeights, Model, type ModelConfig } from "../../lib/model/mod.ts";
import { BlankWeights } from "../../lib/model/plan/blank_weights.ts";
import { cast, Tensor } from "../../lib/tensor/mod.ts";
import { inputValue } from "../bench/inputs.ts";

/** Numbers that weights are made of. */
const BLOCK = 2 ** 22;
/** Numbers by which the next part of a tensor starts elsewhere in them; odd multiples of a copy's alignment. */
const SHIFT = 4 * 5003;

/**
 * A model of a shape with random weights, made on the GPU: matrices in f16, norms of ones. Its answers mean nothing, its time
 * and memory are the shape's.
 */
export async function randomModel(device: Device, config: ModelConfig): Promise<Model> {
  using weights = new RandomWeights(device, config);
  return new Model(
    config,
    undefined,
    new Decoder(device, config, await DecoderWeights.load(device, config, weights, { type: "f16" })),
  );
}

class RandomWeights extends BlankWeights implements Disposable {
  readonly #device: Device;
  readonly #halves: Tensor;
  #start = 0;

  constructor(device: Device, config: ModelConfig) {
    super(config);
    this.#device = device;
    const floats = Float32Array.from({ length: BLOCK }, (_, index) => 0.08 * inputValue(9, index));
    using wide = Tensor.from(device, floats, [BLOCK], "random numbers");
    this.#halves = cast(wide, "f16");
  }

  /** Copies random numbers over a matrix's rows; a vector becomes ones. */
  readonly fill = (name: string, target: Tensor, firstRow: number): void => {
    const { commands } = this.#device;
    const { shape } = this.entry(name);
    if (target.dtype !== "f16") {
      commands.write(target.buffer, 4 * firstRow, new Float32Array(shape[0]).fill(1));
      return;
    }
    // A matrix of its own may be transposed: all of it is filled, whichever way it lies.
    const numbers = shape.reduce((product, size) => product * size, 1);
    const first = numbers === target.size ? 0 : firstRow * shape[1];
    for (let done = 0; done < numbers;) {
      const count = Math.min(numbers - done, BLOCK - this.#start);
      commands.copy(this.#halves.buffer, 2 * this.#start, target.buffer, 2 * (first + done), 2 * count);
      done += count;
      this.#start = count === BLOCK - this.#start ? (this.#start + count + SHIFT) % BLOCK : this.#start + count;
    }
  };

  [Symbol.dispose](): void {
    this.#halves[Symbol.dispose]();
  }
}
