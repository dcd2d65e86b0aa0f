import { z } from "zod";

/** The fields of config.json that are used, under their own names and before the families' defaults. */
export interface RawConfig {
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads?: number | null;
  head_dim?: number | null;
  vocab_size: number;
  max_position_embeddings: number;
  rms_norm_eps?: number;
  hidden_act?: string | null;
  tie_word_embeddings?: boolean | null;
  attention_bias?: boolean | null;
  mlp_bias?: boolean | null;
  sliding_window?: number | null;
  use_sliding_window?: boolean | null;
  max_window_layers?: number | null;
  layer_types?: string[] | null;
  rope_theta?: number | null;
  rope_scaling?: RawRope | null;
  rope_parameters?: RawRope | null;
  partial_rotary_factor?: number | null;
  original_max_position_embeddings?: number | null;
  eos_token_id?: number | number[] | null;
  bos_token_id?: number | null;
  quantization_config?: unknown;
}

/** rope_scaling, or rope_parameters, which holds the base too. */
export interface RawRope {
  rope_type?: string;
  /** The older name of rope_type. */
  type?: string;
  rope_theta?: number;
  factor?: number;
  low_freq_factor?: number;
  high_freq_factor?: number;
  original_max_position_embeddings?: number;
  partial_rotary_factor?: number;
}

/** One check for kind and limits, so that a wrong value gives one message. */
function checked<T>(rule: string, holds: (value: unknown) => boolean): z.ZodType<T> {
  return z.custom<T>(holds, {
    error: ({ input }) =>
      input === undefined ? `is missing; it must be ${rule}` : `must be ${rule}, not ${JSON.stringify(input)}`,
  });
}

const count = (): z.ZodType<number> =>
  checked("a positive whole number", (value) => Number.isSafeInteger(value) && (value as number) > 0);
const countOrNone = (): z.ZodType<number> =>
  checked("a whole number of at least 0", (value) => Number.isSafeInteger(value) && (value as number) >= 0);
const positive = (): z.ZodType<number> =>
  checked("a positive number", (value) => Number.isFinite(value) && (value as number) > 0);
const truth = (): z.ZodType<boolean> => checked("true or false", (value) => typeof value === "boolean");
const words = (): z.ZodType<string> => checked("a string", (value) => typeof value === "string");
const isTokenId = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const tokenIds = (): z.ZodType<number | number[]> =>
  checked(
    "a token id, a list of token ids, or null",
    (value) => isTokenId(value) || (Array.isArray(value) && value.every(isTokenId)),
  );

const rawRopeSchema: z.ZodType<RawRope> = z.object({
  rope_type: words().optional(),
  type: words().optional(),
  rope_theta: positive().optional(),
  factor: positive().optional(),
  low_freq_factor: positive().optional(),
  high_freq_factor: positive().optional(),
  original_max_position_embeddings: count().optional(),
  partial_rotary_factor: positive().optional(),
}, "must be an object or null");

/** Checks the fields one by one; what they mean together is checked where they are put together. */
export const rawConfigSchema: z.ZodType<RawConfig> = z.object({
  hidden_size: count(),
  intermediate_size: count(),
  num_hidden_layers: count(),
  num_attention_heads: count(),
  num_key_value_heads: count().nullish(),
  head_dim: count().nullish(),
  vocab_size: count(),
  max_position_embeddings: count(),
  rms_norm_eps: positive().optional(),
  hidden_act: words().nullish(),
  tie_word_embeddings: truth().nullish(),
  attention_bias: truth().nullish(),
  mlp_bias: truth().nullish(),
  sliding_window: count().nullish(),
  use_sliding_window: truth().nullish(),
  max_window_layers: countOrNone().nullish(),
  layer_types: z.array(words(), "must be a list of strings or null").nullish(),
  rope_theta: positive().nullish(),
  rope_scaling: rawRopeSchema.nullish(),
  rope_parameters: rawRopeSchema.nullish(),
  partial_rotary_factor: positive().nullish(),
  original_max_position_embeddings: count().nullish(),
  eos_token_id: tokenIds().nullish(),
  bos_token_id: checked<number>("a token id or null", isTokenId).nullish(),
  quantization_config: z.unknown().optional(),
});
