import type { Device } from "../gpu/mod.ts";
import { Tensor } from "../tensor/mod.ts";
import type { SamplingOptions } from "./sampling_options.ts";

/**
 * Chooses tokens on the GPU and keeps them there: the newest feeds the next step, and all come to the host in batches.
 */
export class Sampler {
  /** u32 [batch, 1]: the newest token of each sequence. */
  readonly next: Tensor;
  /** u32 [batch, room]: all tokens chosen so far. */
  readonly chosen: Tensor;
  readonly #options: SamplingOptions;
  #count = 0;

  /** Room for `room` tokens of `batch` sequences. */
  constructor(device: Device, batch: number, room: number, options: SamplingOptions) {
    this.next = Tensor.zeros(device, [batch, 1], "u32", "next token");
    this.chosen = Tensor.zeros(device, [batch, room], "u32", "chosen tokens");
    this.#options = options;
  }

  /** Tokens chosen so far. */
  get count(): number {
    return this.#count;
  }

  /** Chooses the next token of each sequence from f32 [batch, vocabulary] logits. */
  choose(logits: Tensor): void {
    const [batch, vocabulary] = logits.shape;
    const { temperature, topK, topP, seed } = this.#options;
    logits.device.commands.dispatch({
      kernel: "sample",
      params: {
        vocabulary,
        chosen_stride: this.chosen.shape[1],
        place: this.#count,
        seed,
        step: this.#count,
        top_k: topK,
        top_p: topP,
        temperature,
      },
      bindings: [logits, this.next, this.chosen].map(({ buffer }) => ({ buffer })),
      groups: batch,
      work: batch * vocabulary * (temperature > 0 ? 64 : 4),
    });
    this.#count++;
  }

  /** Gives the buffers back. */
  [Symbol.dispose](): void {
    this.next[Symbol.dispose]();
    this.chosen[Symbol.dispose]();
  }
}
