import type { Device } from "../../lib/gpu/mod.ts";
import { Decoder, DecoderWeights, Model, parseConfig } from "../../lib/model/mod.ts";
import { BlankWeights, randomBlock } from "../../lib/model/plan/blank_weights.ts";

/** Sizes of Llama 3.2 1B. */
const LLAMA = {
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  hidden_size: 2048,
  intermediate_size: 8192,
  num_hidden_layers: 16,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  head_dim: 64,
  vocab_size: 128256,
  max_position_embeddings: 131072,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  tie_word_embeddings: true,
};

/** Weights that a token meets: all but the embeddings' second use. */
export function randomLlamaWeights(): number {
  const { hidden_size: hidden, intermediate_size: inner, num_hidden_layers: layers, vocab_size: vocabulary } = LLAMA;
  const keys = LLAMA.num_key_value_heads * LLAMA.head_dim;
  return layers * (2 * hidden * hidden + 2 * hidden * keys + 3 * hidden * inner) + vocabulary * hidden;
}

/** A model of these sizes with random f16 weights and no tokenizer. */
export async function loadRandomLlama(device: Device): Promise<Model> {
  const config = parseConfig(LLAMA);
  const weights = await DecoderWeights.load(device, config, new BlankWeights(config, randomBlock()), { type: "f16" });
  return new Model(config, undefined, new Decoder(device, config, weights));
}
