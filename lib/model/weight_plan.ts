import type { ModelConfig } from "./config.ts";
import { channelOrder } from "./rotary_layout.ts";

/** One linear map: y = x weight + bias, the weight stored [inputs, outputs]; matrices can be of a type of their own. */
export interface LinearOf<T, M = T> {
  /** [inputs, outputs]: transposed once at loading, which the matrix product reads fastest. */
  readonly weight: M;
  /** [outputs], where the model has one. */
  readonly bias?: T;
}

/** Weights of one decoder layer. */
export interface LayerOf<T, M = T> {
  /** Norm before attention. */
  readonly attentionNorm: T;
  /** Query projection. */
  readonly query: LinearOf<T, M>;
  /** Key projection. */
  readonly key: LinearOf<T, M>;
  /** Value projection. */
  readonly value: LinearOf<T, M>;
  /** Output projection of attention. */
  readonly output: LinearOf<T, M>;
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
  /** Gate projection. */
  readonly gate: LinearOf<T, M>;
  /** Up projection. */
  readonly up: LinearOf<T, M>;
  /** Down projection. */
  readonly down: LinearOf<T, M>;
}

/** All weights of a decoder. */
export interface DecoderOf<T, M = T> {
  /** Token embeddings [vocabulary, hidden]. */
  readonly embedding: T;
  /** Output head [vocabulary, hidden]; undefined where the embeddings are it. */
  readonly head?: T;
  /** Norm after the last layer. */
  readonly norm: T;
  /** Layers, first to last. */
  readonly layers: readonly LayerOf<T, M>[];
}

/** A tensor of a checkpoint and how it is wanted. */
export interface WantedTensor {
  /** Its name in the checkpoint. */
  readonly tensor: string;
  /** Its shape there. */
  readonly shape: readonly number[];
  /** Whether [outputs, inputs] is to become [inputs, outputs]. */
  readonly transposed: boolean;
  /** The rows wanted, where others of the tensor are another weight. */
  readonly rows?: { readonly first: number; readonly count: number };
  /** New order of the rows of each head. */
  readonly order?: readonly number[];
}

/** Which tensors of a checkpoint make up the decoder that a config describes. */
export function planWeights(config: ModelConfig): DecoderOf<WantedTensor> {
  const { hiddenSize, vocabularySize, tiedEmbeddings } = config;
  const table = (tensor: string): WantedTensor => ({ tensor, shape: [vocabularySize, hiddenSize], transposed: false });
  return {
    embedding: table("model.embed_tokens.weight"),
    norm: vector("model.norm.weight", hiddenSize),
    ...(!tiedEmbeddings && { head: table("lm_head.weight") }),
    layers: Array.from({ length: config.layers }, (_, layer) => planLayer(config, `model.layers.${layer}`)),
  };
}

function planLayer(config: ModelConfig, prefix: string): LayerOf<WantedTensor> {
  const { hiddenSize, headSize, queryHeads, keyValueHeads, intermediateSize, attentionBias } = config;
  const order = channelOrder(headSize, config.rotary);
  const attention = `${prefix}.self_attn`;
  const norm = (name: string, size: number) => vector(`${prefix}.${name}.weight`, size);
  const [queries, keys] = [queryHeads * headSize, keyValueHeads * headSize];
  return {
    attentionNorm: norm("input_layernorm", hiddenSize),
    query: linear(`${attention}.q_proj`, hiddenSize, queries, attentionBias, order),
    key: linear(`${attention}.k_proj`, hiddenSize, keys, attentionBias, order),
    value: linear(`${attention}.v_proj`, hiddenSize, keys, attentionBias),
    output: linear(`${attention}.o_proj`, queries, hiddenSize, config.outputBias),
    ...(config.queryKeyNorm &&
      { queryNorm: norm("self_attn.q_norm", headSize), keyNorm: norm("self_attn.k_norm", headSize) }),
    feedForwardNorm: norm("post_attention_layernorm", hiddenSize),
    ...gateAndUp(config, `${prefix}.mlp`),
    ...(config.outputNorms && {
      attentionOutputNorm: norm("post_self_attn_layernorm", hiddenSize),
      feedForwardOutputNorm: norm("post_mlp_layernorm", hiddenSize),
    }),
    down: linear(`${prefix}.mlp.down_proj`, intermediateSize, hiddenSize, config.mlpBias),
  };
}

function gateAndUp(
  { hiddenSize, intermediateSize, fusedGateUp, mlpBias }: ModelConfig,
  prefix: string,
): Pick<LayerOf<WantedTensor>, "gate" | "up"> {
  if (!fusedGateUp) {
    return {
      gate: linear(`${prefix}.gate_proj`, hiddenSize, intermediateSize, mlpBias),
      up: linear(`${prefix}.up_proj`, hiddenSize, intermediateSize, mlpBias),
    };
  }
  const half = (first: number): LinearOf<WantedTensor> => ({
    weight: {
      tensor: `${prefix}.gate_up_proj.weight`,
      shape: [2 * intermediateSize, hiddenSize],
      rows: { first, count: intermediateSize },
      transposed: true,
    },
  });
  return { gate: half(0), up: half(intermediateSize) };
}

function vector(tensor: string, size: number, order?: readonly number[]): WantedTensor {
  return { tensor, shape: [size], transposed: false, order };
}

function linear(
  name: string,
  inputs: number,
  outputs: number,
  biased: boolean,
  order?: readonly number[],
): LinearOf<WantedTensor> {
  const weight = { tensor: `${name}.weight`, shape: [outputs, inputs], transposed: true, order };
  return biased ? { weight, bias: vector(`${name}.bias`, outputs, order) } : { weight };
}
