import { ModelFileError } from "../model_file_error.ts";

/**
 * Fields of config.json by which other families change what a decoder computes, with the values that change nothing.
 * The families that can be run have none of them: where one is set, the model is of another kind than its model_type says.
 */
const FOREIGN: Readonly<Record<string, readonly unknown[]>> = {
  attn_logit_softcapping: [],
  final_logit_softcapping: [],
  logit_softcapping: [],
  logit_scale: [1],
  logits_scaling: [1],
  residual_multiplier: [1],
  embedding_multiplier: [1],
  attention_multiplier: [],
  query_pre_attn_scalar: [],
  clip_qkv: [],
  qkv_clip: [],
  alibi: [false],
  use_parallel_residual: [false],
  parallel_attn: [false],
  use_qk_norm: [false],
  qk_layernorm: [false],
  no_rope_layers: [[]],
  no_rope_layer_interval: [],
  num_experts: [0, 1],
  num_local_experts: [0, 1],
  n_routed_experts: [0],
  kv_lora_rank: [],
  q_lora_rank: [],
  attention_sinks: [false],
  num_kv_shared_layers: [0],
  altup_num_inputs: [],
  is_encoder_decoder: [false],
  cross_attention_layers: [[]],
  is_causal: [true],
};

/** @throws {ModelFileError} naming the first field that would change the numbers. */
export function refuseForeignFields(json: Readonly<Record<string, unknown>>): void {
  for (const [field, neutral] of Object.entries(FOREIGN)) {
    const value = json[field];
    if (value === undefined || value === null) continue;
    if (neutral.some((harmless) => JSON.stringify(harmless) === JSON.stringify(value))) continue;
    throw new ModelFileError(
      `config.json: ${field} ${
        JSON.stringify(value)
      }: models that compute so can't be run; without it the numbers would be wrong`,
    );
  }
}
