import { type AttentionShape, type AttentionStep, RotationTable } from "../attention/mod.ts";
import type { Device } from "../gpu/mod.ts";
import { add, embedding, matmul, rmsNorm, siluGate, slice, type Tensor } from "../tensor/mod.ts";
import type { ModelConfig } from "./config.ts";
import { headFrequencies } from "./rotary_layout.ts";
import type { DecoderWeights, LayerWeights, Linear } from "./decoder_weights.ts";

/** A Llama-family decoder: token ids in, logits of the last row out; attention is the step's method. */
export class Decoder {
  /** The device it runs on. */
  readonly device: Device;
  /** Sizes and options. */
  readonly config: ModelConfig;
  /** Rotary angles, shared by all sessions. */
  readonly rotation: RotationTable;
  readonly #weights: DecoderWeights;

  /** Takes over the weights. */
  constructor(device: Device, config: ModelConfig, weights: DecoderWeights) {
    this.device = device;
    this.config = config;
    this.#weights = weights;
    this.rotation = new RotationTable(device, headFrequencies(config.headSize, config.rope, config.rotary));
  }

  /** Sizes of its attention. */
  get attentionShape(): AttentionShape {
    const { layers, queryHeads, keyValueHeads, headSize, slidingWindow } = this.config;
    return { layers, queryHeads, keyValueHeads, headSize, ...(slidingWindow !== null && { slidingWindow }) };
  }

  /**
   * Runs one step through all layers and fills the cache with it.
   *
   * @param step the step, the cache already extended by its rows
   * @param tokens u32 [batch, rows]
   * @param signal looked at between layers
   * @returns f32 [batch, rows, hidden], before the final norm
   */
  async forward(step: AttentionStep, tokens: Tensor, signal?: AbortSignal): Promise<Tensor> {
    const [batch, rows] = tokens.shape;
    using ids = tokens.reshape([batch * rows]);
    let hidden = embedding(this.#weights.embedding, ids);
    try {
      for (let layer = 0; layer < this.config.layers; layer++) {
        const next = this.#layer(step, layer, hidden, batch, rows);
        hidden[Symbol.dispose]();
        hidden = next;
        await this.device.commands.yield(signal);
      }
      return hidden.reshape([batch, rows, this.config.hiddenSize]);
    } finally {
      hidden[Symbol.dispose]();
    }
  }

  /**
   * Logits of the last row of each sequence.
   *
   * @param hidden f32 [batch, rows, hidden] from `forward`
   * @returns f32 [batch, vocabulary]
   */
  logits(hidden: Tensor): Tensor {
    const [batch, rows, size] = hidden.shape;
    using last = slice(hidden, [0, rows - 1, 0], [batch, 1, size]);
    return this.allLogits(last);
  }

  /**
   * Logits of every row.
   *
   * @param hidden f32 [batch, rows, hidden] from `forward`
   * @returns f32 [batch * rows, vocabulary]
   */
  allLogits(hidden: Tensor): Tensor {
    const [batch, rows, size] = hidden.shape;
    using flat = hidden.reshape([batch * rows, size]);
    using normed = rmsNorm(flat, this.#weights.norm, this.config.normEpsilon);
    return matmul(normed, this.#weights.head, { transposeRight: true });
  }

  /** Frees weights and tables. */
  [Symbol.dispose](): void {
    this.#weights[Symbol.dispose]();
    this.rotation[Symbol.dispose]();
  }

  #layer(step: AttentionStep, layer: number, hidden: Tensor, batch: number, rows: number): Tensor {
    const weights = this.#weights.layers[layer];
    using attended = this.#attention(step, layer, weights, hidden, batch, rows);
    using taken = this.#normed(attended, weights.attentionOutputNorm);
    using middle = add(hidden, taken);
    using normed = rmsNorm(middle, weights.feedForwardNorm, this.config.normEpsilon);
    using gate = linear(normed, weights.gate);
    using up = linear(normed, weights.up);
    using active = siluGate(gate, up);
    using down = linear(active, weights.down);
    using given = this.#normed(down, weights.feedForwardOutputNorm);
    return add(middle, given);
  }

  /** Normed where the model has a norm there. */
  #normed(x: Tensor, norm: Tensor | undefined): Tensor {
    return norm ? rmsNorm(x, norm, this.config.normEpsilon) : x.share();
  }

  #attention(
    step: AttentionStep,
    layer: number,
    weights: LayerWeights,
    hidden: Tensor,
    batch: number,
    rows: number,
  ): Tensor {
    const { queryHeads, keyValueHeads, headSize, normEpsilon } = this.config;
    const { cache, method } = step.context;
    using normed = rmsNorm(hidden, weights.attentionNorm, normEpsilon);
    const heads = (map: Linear, count: number, norm?: Tensor): Tensor => {
      using flat = linear(normed, map);
      using split = flat.reshape([batch, rows, count, headSize]);
      // Norms over heads, where a model has them, come before the cache: selection sees what attention sees.
      return norm ? rmsNorm(split, norm, normEpsilon) : split.share();
    };
    using queries = heads(weights.query, queryHeads, weights.queryNorm);
    using keys = heads(weights.key, keyValueHeads, weights.keyNorm);
    using values = heads(weights.value, keyValueHeads);
    cache.store(layer, keys, values, step.layout);
    using output = method.attend(step, layer, queries);
    using flat = output.reshape([batch * rows, queryHeads * headSize]);
    return linear(flat, weights.output);
  }
}

function linear(x: Tensor, { weight, bias }: Linear): Tensor {
  if (!bias) return matmul(x, weight);
  using product = matmul(x, weight);
  return add(product, bias);
}
