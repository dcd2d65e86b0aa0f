import { type ModelConfig, parseConfig } from "../config/config.ts";

/** A model known by its shape. */
export type ShapeName = "llama-3.1-8b" | "mistral-7b-v0.3" | "llama-3.2-3b" | "llama-3.2-1b";

const llama3 = {
  model_type: "llama",
  hidden_act: "silu",
  head_dim: 128,
  vocab_size: 128256,
  max_position_embeddings: 131072,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
};

/** Models by shape: what their config.json on the Hugging Face hub says of sizes. */
const configs: Readonly<Record<ShapeName, unknown>> = {
  /** meta-llama/Llama-3.1-8B, config.json; also table 3 of "The Llama 3 Herd of Models" (arXiv 2407.21783). */
  "llama-3.1-8b": {
    ...llama3,
    hidden_size: 4096,
    intermediate_size: 14336,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    tie_word_embeddings: false,
    rope_scaling: llama3Scaling(8),
  },
  /** mistralai/Mistral-7B-v0.3, config.json (vocabulary of 32,768, no sliding window); "Mistral 7B" (arXiv 2310.06825), table 1. */
  "mistral-7b-v0.3": {
    model_type: "mistral",
    hidden_act: "silu",
    hidden_size: 4096,
    intermediate_size: 14336,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    head_dim: 128,
    vocab_size: 32768,
    max_position_embeddings: 32768,
    rms_norm_eps: 1e-5,
    rope_theta: 1000000,
    sliding_window: null,
    tie_word_embeddings: false,
  },
  /** meta-llama/Llama-3.2-3B, config.json. */
  "llama-3.2-3b": {
    ...llama3,
    hidden_size: 3072,
    intermediate_size: 8192,
    num_hidden_layers: 28,
    num_attention_heads: 24,
    tie_word_embeddings: true,
    rope_scaling: llama3Scaling(32),
  },
  /** meta-llama/Llama-3.2-1B, config.json. */
  "llama-3.2-1b": {
    ...llama3,
    hidden_size: 2048,
    intermediate_size: 8192,
    num_hidden_layers: 16,
    num_attention_heads: 32,
    head_dim: 64,
    tie_word_embeddings: true,
    rope_scaling: llama3Scaling(32),
  },
};

function llama3Scaling(factor: number) {
  return {
    rope_type: "llama3",
    factor,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  };
}

/** Names of the models known by their shape. */
export const shapeNames: readonly ShapeName[] = Object.keys(configs) as ShapeName[];

/**
 * The config of a model known by its shape: llama-3.1-8b, mistral-7b-v0.3, llama-3.2-3b or llama-3.2-1b; without weights or tokenizer.
 *
 * @example
 * ```ts
 * import { configOfShape } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(configOfShape("llama-3.1-8b").layers, 32);
 * ```
 */
export function configOfShape(name: ShapeName): ModelConfig {
  return parseConfig(configs[name]);
}
