import * as z from "../../zod.ts";

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
function checked<T>(rule: string, holds: (value: unknown) => boolean): z.ZodMiniType<T> {
  return z.custom<T>(holds, {
    error: ({ input }) =>
      input === undefined ? `is missing; it must be ${rule}` : `must be ${rule}, not ${JSON.stringify(input)}`,
  });
}

const count = (): z.ZodMiniType<number> =>
  checked("a positive whole number", (value) => Number.isSafeInteger(value) && (value as number) > 0);
const countOrNone = (): z.ZodMiniType<number> =>
  checked("a whole number of at least 0", (value) => Number.isSafeInteger(value) && (value as number) >= 0);
const positive = (): z.ZodMiniType<number> =>
  checked("a positive number", (value) => Number.isFinite(value) && (value as number) > 0);
const truth = (): z.ZodMiniType<boolean> => checked("true or false", (value) => typeof value === "boolean");
const words = (): z.ZodMiniType<string> => checked("a string", (value) => typeof value === "string");
const isTokenId = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const tokenIds = (): z.ZodMiniType<number | number[]> =>
  checked(
    "a token id, a list of token ids, or null",
    (value) => isTokenId(value) || (Array.isArray(value) && value.every(isTokenId)),
  );

const rawRopeSchema: z.ZodMiniType<RawRope> = z.object({
  rope_type: z.optional(words()),
  type: z.optional(words()),
  rope_theta: z.optional(positive()),
  factor: z.optional(positive()),
  low_freq_factor: z.optional(positive()),
  high_freq_factor: z.optional(positive()),
  original_max_position_embeddings: z.optional(count()),
  partial_rotary_factor: z.optional(positive()),
}, "must be an object or null");

/** Checks the fields one by one; what they mean together is checked where they are put together. */
export const rawConfigSchema: z.ZodMiniType<RawConfig> = z.object({
  hidden_size: count(),
  intermediate_size: count(),
  num_hidden_layers: count(),
  num_attention_heads: count(),
  num_key_value_heads: z.nullish(count()),
  head_dim: z.nullish(count()),
  vocab_size: count(),
  max_position_embeddings: count(),
  rms_norm_eps: z.optional(positive()),
  hidden_act: z.nullish(words()),
  tie_word_embeddings: z.nullish(truth()),
  attention_bias: z.nullish(truth()),
  mlp_bias: z.nullish(truth()),
  sliding_window: z.nullish(count()),
  use_sliding_window: z.nullish(truth()),
  max_window_layers: z.nullish(countOrNone()),
  layer_types: z.nullish(z.array(words(), "must be a list of strings or null")),
  rope_theta: z.nullish(positive()),
  rope_scaling: z.nullish(rawRopeSchema),
  rope_parameters: z.nullish(rawRopeSchema),
  partial_rotary_factor: z.nullish(positive()),
  original_max_position_embeddings: z.nullish(count()),
  eos_token_id: z.nullish(tokenIds()),
  bos_token_id: z.nullish(checked<number>("a token id or null", isTokenId)),
  quantization_config: z.optional(z.unknown()),
});
