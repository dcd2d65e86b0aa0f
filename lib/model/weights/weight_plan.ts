import type { ModelConfig } from "../config/config.ts";
import { channelOrder } from "../config/rotary_layout.ts";

/** One linear map, y = x weight^T + bias. */
export interface LinearOf<T> {
  /** [outputs, inputs], as checkpoints have it. */
  readonly weight: T;
  /** [outputs], where the model has one. */
  readonly bias?: T;
}

/** Linear maps of the same rows. */
export interface MapsOf<T> {
  /** The maps; all have a bias, or none. */
  readonly maps: readonly LinearOf<T>[];
}

/** Weights of one decoder layer: vectors T, and what is made of linear maps, P. */
export interface LayerOf<T, P> {
  /** Norm before attention. */
  readonly attentionNorm: T;
  /** Query, key and value projections. */
  readonly attentionInput: P;
  /** Output projection of attention. */
  readonly attentionOutput: P;
  /** Norm over each query head, where the model has one. */
  readonly queryNorm?: T;
  /** Norm over each key head, where the model has one. */
  readonly keyNorm?: T;
  /** Norm of attention's output, where the model has one. */
  readonly attentionOutputNorm?: T;
  /** Norm of the feed-forward block's output, where the model has one. */
  readonly feedForwardOutputNorm?: T;
  /** Norm before the feed-forward block. */
  readonly feedForwardNorm: T;
  /** Gate and up projections. */
  readonly feedForwardInput: P;
  /** Down projection. */
  readonly feedForwardOutput: P;
}

/** All weights of a decoder. */
export interface DecoderOf<T, P> {
  /** Token embeddings [vocabulary, hidden]. */
  readonly embedding: T;
  /** Output head [vocabulary, hidden]; undefined where the embeddings are it. */
  readonly head?: T;
  /** Norm after the last layer. */
  readonly norm: T;
  /** Layers, first to last. */
  readonly layers: readonly LayerOf<T, P>[];
}

/** A tensor of a checkpoint and how it is wanted. */
export interface WantedTensor {
  /** Its name in the checkpoint. */
  readonly tensor: string;
  /** Its shape there. */
  readonly shape: readonly number[];
  /** The rows wanted, where others of the tensor are another weight. */
  readonly rows?: { readonly first: number; readonly count: number };
  /** New order of the rows of each head. */
  readonly order?: readonly number[];
}

/** Which tensors of a checkpoint make up the decoder that a config describes. */
export function planWeights(config: ModelConfig): DecoderOf<WantedTensor, MapsOf<WantedTensor>> {
  const { hiddenSize, vocabularySize, tiedEmbeddings } = config;
  const table = (tensor: string): WantedTensor => ({ tensor, shape: [vocabularySize, hiddenSize] });
  return {
    embedding: table("model.embed_tokens.weight"),
    norm: vector("model.norm.weight", hiddenSize),
    ...(!tiedEmbeddings && { head: table("lm_head.weight") }),
    layers: Array.from({ length: config.layers }, (_, layer) => planLayer(config, `model.layers.${layer}`)),
  };
}

function planLayer(config: ModelConfig, prefix: string): LayerOf<WantedTensor, MapsOf<WantedTensor>> {
  const { hiddenSize, headSize, queryHeads, keyValueHeads, intermediateSize, attentionBias } = config;
  const order = channelOrder(headSize, config.rotary);
  const attention = `${prefix}.self_attn`;
  const norm = (name: string, size: number) => vector(`${prefix}.${name}.weight`, size);
  const [queries, keys] = [queryHeads * headSize, keyValueHeads * headSize];
  return {
    attentionNorm: norm("input_layernorm", hiddenSize),
    attentionInput: {
      maps: [
        linear(`${attention}.q_proj`, hiddenSize, queries, attentionBias, order),
        linear(`${attention}.k_proj`, hiddenSize, keys, attentionBias, order),
        linear(`${attention}.v_proj`, hiddenSize, keys, attentionBias),
      ],
    },
    attentionOutput: { maps: [linear(`${attention}.o_proj`, queries, hiddenSize, config.outputBias)] },
    ...(config.queryKeyNorm &&
      { queryNorm: norm("self_attn.q_norm", headSize), keyNorm: norm("self_attn.k_norm", headSize) }),
    feedForwardNorm: norm("post_attention_layernorm", hiddenSize),
    feedForwardInput: { maps: gateAndUp(config, `${prefix}.mlp`) },
    ...(config.outputNorms && {
      attentionOutputNorm: norm("post_self_attn_layernorm", hiddenSize),
      feedForwardOutputNorm: norm("post_mlp_layernorm", hiddenSize),
    }),
    feedForwardOutput: { maps: [linear(`${prefix}.mlp.down_proj`, intermediateSize, hiddenSize, config.mlpBias)] },
  };
}

function gateAndUp(
  { hiddenSize, intermediateSize, fusedGateUp, mlpBias }: ModelConfig,
  prefix: string,
): LinearOf<WantedTensor>[] {
  if (!fusedGateUp) {
    return ["gate_proj", "up_proj"].map((name) => linear(`${prefix}.${name}`, hiddenSize, intermediateSize, mlpBias));
  }
  const half = (first: number): LinearOf<WantedTensor> => ({
    weight: {
      tensor: `${prefix}.gate_up_proj.weight`,
      shape: [2 * intermediateSize, hiddenSize],
      rows: { first, count: intermediateSize },
    },
  });
  return [half(0), half(intermediateSize)];
}

function vector(tensor: string, size: number, order?: readonly number[]): WantedTensor {
  return { tensor, shape: [size], order };
}

function linear(
  name: string,
  inputs: number,
  outputs: number,
  biased: boolean,
  order?: readonly number[],
): LinearOf<WantedTensor> {
  const weight = { tensor: `${name}.weight`, shape: [outputs, inputs], order };
  return biased ? { weight, bias: vector(`${name}.bias`, outputs, order) } : { weight };
}
