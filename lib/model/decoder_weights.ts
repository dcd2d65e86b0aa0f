import type { Device } from "../gpu/mod.ts";
import { slice, Tensor, transpose } from "../tensor/mod.ts";
import type { ModelConfig } from "./config.ts";
import { channelOrder, reorderRows } from "./rotary_layout.ts";
import type { WeightStore } from "./safetensors.ts";

/** One linear map: y = x weight + bias, the weight stored [inputs, outputs]. */
export interface Linear {
  /** f32 [inputs, outputs]: transposed once at loading, which the matrix product reads fastest. */
  readonly weight: Tensor;
  /** f32 [outputs], where the model has one. */
  readonly bias?: Tensor;
}

/** Weights of one decoder layer. */
export interface LayerWeights {
  /** Norm before attention. */
  readonly attentionNorm: Tensor;
  /** Query projection. */
  readonly query: Linear;
  /** Key projection. */
  readonly key: Linear;
  /** Value projection. */
  readonly value: Linear;
  /** Output projection of attention. */
  readonly output: Linear;
  /** Norm over each query head, where the model has one. */
  readonly queryNorm?: Tensor;
  /** Norm over each key head, where the model has one. */
  readonly keyNorm?: Tensor;
  /** Norm of attention's output, where the model has one. */
  readonly attentionOutputNorm?: Tensor;
  /** Norm of the feed-forward block's output, where the model has one. */
  readonly feedForwardOutputNorm?: Tensor;
  /** Norm before the feed-forward block. */
  readonly feedForwardNorm: Tensor;
  /** Gate projection. */
  readonly gate: Linear;
  /** Up projection. */
  readonly up: Linear;
  /** Down projection. */
  readonly down: Linear;
}

/** All weights of a decoder on the GPU; disposing frees them. */
export class DecoderWeights {
  readonly #owned: Tensor[] = [];
  /** Token embeddings f32 [vocabulary, hidden]. */
  embedding!: Tensor;
  /** Output head f32 [vocabulary, hidden]; the embeddings themselves where the model ties them. */
  head!: Tensor;
  /** Norm after the last layer. */
  norm!: Tensor;
  /** Layers, first to last. */
  readonly layers: LayerWeights[] = [];

  private constructor() {}

  /**
   * Loads the weights tensor by tensor, widened to f32.
   *
   * @throws {RangeError} naming the tensor that is missing or has another shape than the config says.
   * @throws {MemoryBudgetError} where memory can't hold them.
   */
  static async load(device: Device, config: ModelConfig, store: WeightStore): Promise<DecoderWeights> {
    const weights = new DecoderWeights();
    try {
      await weights.#load(device, config, store);
      return weights;
    } catch (error) {
      weights[Symbol.dispose]();
      throw error;
    }
  }

  /** Frees all weights. */
  [Symbol.dispose](): void {
    for (const tensor of this.#owned) tensor[Symbol.dispose]();
  }

  async #load(device: Device, config: ModelConfig, store: WeightStore): Promise<void> {
    const { hiddenSize, vocabularySize, headSize, queryHeads, keyValueHeads, intermediateSize } = config;
    const order = channelOrder(headSize, config.rotary);
    const vector = async (name: string, size: number, order?: readonly number[]) =>
      this.#own(await upload(device, store, name, [size], order));
    const linear = async (
      name: string,
      inputs: number,
      outputs: number,
      biased: boolean,
      order?: readonly number[],
    ): Promise<Linear> => {
      using stored = await upload(device, store, `${name}.weight`, [outputs, inputs], order);
      const weight = this.#own(transpose(stored, [1, 0]));
      return biased ? { weight, bias: await vector(`${name}.bias`, outputs, order) } : { weight };
    };
    const gateAndUp = async (prefix: string): Promise<{ gate: Linear; up: Linear }> => {
      if (!config.fusedGateUp) {
        return {
          gate: await linear(`${prefix}.gate_proj`, hiddenSize, intermediateSize, config.mlpBias),
          up: await linear(`${prefix}.up_proj`, hiddenSize, intermediateSize, config.mlpBias),
        };
      }
      using both = await upload(device, store, `${prefix}.gate_up_proj.weight`, [2 * intermediateSize, hiddenSize]);
      const half = (first: number): Linear => {
        using part = slice(both, [first, 0], [intermediateSize, hiddenSize]);
        return { weight: this.#own(transpose(part, [1, 0])) };
      };
      return { gate: half(0), up: half(intermediateSize) };
    };
    const outputNorm = async (name: string) => config.outputNorms ? await vector(name, hiddenSize) : undefined;
    this.embedding = this.#own(await upload(device, store, "model.embed_tokens.weight", [vocabularySize, hiddenSize]));
    this.norm = await vector("model.norm.weight", hiddenSize);
    this.head = config.tiedEmbeddings
      ? this.embedding
      : this.#own(await upload(device, store, "lm_head.weight", [vocabularySize, hiddenSize]));
    for (let layer = 0; layer < config.layers; layer++) {
      const prefix = `model.layers.${layer}`;
      const attention = `${prefix}.self_attn`;
      this.layers.push({
        attentionNorm: await vector(`${prefix}.input_layernorm.weight`, hiddenSize),
        query: await linear(`${attention}.q_proj`, hiddenSize, queryHeads * headSize, config.attentionBias, order),
        key: await linear(`${attention}.k_proj`, hiddenSize, keyValueHeads * headSize, config.attentionBias, order),
        value: await linear(`${attention}.v_proj`, hiddenSize, keyValueHeads * headSize, config.attentionBias),
        output: await linear(`${attention}.o_proj`, queryHeads * headSize, hiddenSize, config.outputBias),
        queryNorm: config.queryKeyNorm ? await vector(`${attention}.q_norm.weight`, headSize) : undefined,
        keyNorm: config.queryKeyNorm ? await vector(`${attention}.k_norm.weight`, headSize) : undefined,
        feedForwardNorm: await vector(`${prefix}.post_attention_layernorm.weight`, hiddenSize),
        ...await gateAndUp(`${prefix}.mlp`),
        attentionOutputNorm: await outputNorm(`${prefix}.post_self_attn_layernorm.weight`),
        feedForwardOutputNorm: await outputNorm(`${prefix}.post_mlp_layernorm.weight`),
        down: await linear(`${prefix}.mlp.down_proj`, intermediateSize, hiddenSize, config.mlpBias),
      });
    }
  }

  #own(tensor: Tensor): Tensor {
    this.#owned.push(tensor);
    return tensor;
  }
}

/** A tensor of the store on the GPU; `order` reorders the rows within each head. */
async function upload(
  device: Device,
  store: WeightStore,
  name: string,
  shape: readonly number[],
  order?: readonly number[],
): Promise<Tensor> {
  if (!store.has(name)) throw new RangeError(`weights: there is no tensor "${name}", which config.json asks for`);
  const found = store.entry(name).shape;
  if (found.length !== shape.length || found.some((size, axis) => size !== shape[axis])) {
    throw new RangeError(`weights: tensor "${name}" has shape [${found}], but config.json asks for [${shape}]`);
  }
  const floats = await store.readFloats(name);
  const rows = order ? reorderRows(floats, order, shape[1] ?? 1) : floats;
  return Tensor.from(device, rows, shape, "weights");
}
