import type { Device, KernelOption } from "../../gpu/mod.ts";
import { Tensor } from "../../tensor/mod.ts";
import type { SamplingOptions } from "./sampling_options.ts";

/** Ways to find the highest logit: by one workgroup, or by many. */
export const greedyWays: readonly KernelOption[] = [{ name: "one workgroup" }, {
  name: "many workgroups",
  threads: 256,
}];

function sharesGreedy({ choices, info }: Device): boolean {
  const [one, many] = greedyWays;
  return choices.of("greedy choice", greedyWays, info.software || !choices.fits(many) ? one : many) === many;
}

/** Logits of a workgroup of greedy_blocks.wgsl. */
const GREEDY_BLOCK = 2048;

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
    if (this.#options.temperature === 0 && sharesGreedy(logits.device)) return this.#chooseHighest(logits);
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

  /** The highest logits, found by many workgroups: one alone would take longer than a layer. */
  #chooseHighest(logits: Tensor): void {
    const { device, shape: [batch, vocabulary] } = logits;
    const blocks = Math.ceil(vocabulary / GREEDY_BLOCK);
    using best = Tensor.empty(device, [batch, blocks, 2], "u32", "best logits");
    device.commands.dispatch({
      kernel: "greedy_blocks",
      params: { vocabulary, blocks },
      bindings: [logits, best].map(({ buffer }) => ({ buffer })),
      groups: batch * blocks,
      work: batch * vocabulary,
    });
    device.commands.dispatch({
      kernel: "greedy_join",
      params: { blocks, chosen_stride: this.chosen.shape[1], place: this.#count },
      bindings: [best, this.next, this.chosen].map(({ buffer }) => ({ buffer })),
      groups: batch,
      work: batch * blocks,
    });
    this.#count++;
  }

  /** Gives the buffers back. */
  [Symbol.dispose](): void {
    this.next[Symbol.dispose]();
    this.chosen[Symbol.dispose]();
  }
}
