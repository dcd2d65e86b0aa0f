import * as z from "../../zod.ts";
import type { RopeSpec } from "../../attention/attend/rotary_frequencies.ts";
import { ModelFileError } from "../model_file_error.ts";
import { type RawConfig, rawConfigSchema } from "./config_schema.ts";
import { refuseForeignFields } from "./foreign_fields.ts";
import { ropeOf, rotaryShareOf } from "./rope_config.ts";
import type { RotaryLayout } from "./rotary_layout.ts";

/** A family of models that can be run, by the name in config.json (model_type). */
export type ModelFamily = "llama" | "mistral" | "qwen2" | "qwen3" | "glm" | "glm4";

/** What config.json says about a decoder, in one form for all families. */
export interface ModelConfig {
  /** The family (model_type). */
  readonly family: ModelFamily;
  /** Channels of the residual stream (hidden_size). */
  readonly hiddenSize: number;
  /** Decoder layers (num_hidden_layers). */
  readonly layers: number;
  /** Query heads of a layer (num_attention_heads). */
  readonly queryHeads: number;
  /** Key and value heads of a layer (num_key_value_heads); divides queryHeads. */
  readonly keyValueHeads: number;
  /** Channels of a head (head_dim, or hidden_size / num_attention_heads); even. */
  readonly headSize: number;
  /** Channels inside the feed-forward block (intermediate_size). */
  readonly intermediateSize: number;
  /** Tokens of the vocabulary (vocab_size): rows of the embedding. */
  readonly vocabularySize: number;
  /** Tokens of context that the model was trained for (max_position_embeddings). */
  readonly trainedContext: number;
  /** Added to the mean square in every norm (rms_norm_eps). */
  readonly normEpsilon: number;
  /** The rotary embedding (rope_theta and rope_scaling, or rope_parameters). */
  readonly rope: RopeSpec;
  /** Which channels of a head rotate together (partial_rotary_factor; neighbours in glm and glm4). */
  readonly rotary: RotaryLayout;
  /** Whether the embedding is the output head too (tie_word_embeddings). */
  readonly tiedEmbeddings: boolean;
  /** Whether the query, key and value projections have a bias (attention_bias; qwen2: always). */
  readonly attentionBias: boolean;
  /** Whether attention's output projection has a bias (attention_bias; qwen2: never). */
  readonly outputBias: boolean;
  /** Whether the feed-forward projections have a bias (mlp_bias, llama only). */
  readonly mlpBias: boolean;
  /** Whether queries and keys are normed per head before rotation (qwen3). */
  readonly queryKeyNorm: boolean;
  /** Whether gate and up projection are one tensor, gate first (glm, glm4). */
  readonly fusedGateUp: boolean;
  /** Whether attention's and the feed-forward block's outputs are normed before they are added (glm4). */
  readonly outputNorms: boolean;
  /** Query i sees the keys j with `i - slidingWindow < j <= i`, in every layer; null: all earlier keys. */
  readonly slidingWindow: number | null;
  /** Tokens that end a text (eos_token_id); may be empty. */
  readonly endOfTextIds: readonly number[];
  /** The token that starts a text (bos_token_id), where the config names one. */
  readonly beginOfTextId: number | null;
}

const families: readonly ModelFamily[] = ["llama", "mistral", "qwen2", "qwen3", "glm", "glm4"];

/**
 * Reads a decoder's config.json, as Hugging Face writes it for llama, mistral, qwen2, qwen3, glm and glm4 models.
 *
 * @param json the parsed file
 * @throws {ModelFileError} (a RangeError) naming each field that is missing or wrong, its value and what would be right; or
 * the model's family and those that can be run.
 *
 * @example
 * ```ts
 * import { parseConfig } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const config = parseConfig({
 *   model_type: "llama",
 *   hidden_size: 64,
 *   intermediate_size: 112,
 *   num_hidden_layers: 2,
 *   num_attention_heads: 4,
 *   num_key_value_heads: 2,
 *   vocab_size: 300,
 *   max_position_embeddings: 2048,
 *   rms_norm_eps: 1e-5,
 *   rope_theta: 10000,
 * });
 * assertEquals(config.headSize, 16);
 * ```
 */
export function parseConfig(json: unknown): ModelConfig {
  const family = familyOf(json);
  const parsed = rawConfigSchema.safeParse(json);
  if (!parsed.success) throw faultsOf(parsed.error);
  const raw = parsed.data;
  refuseUnknownKinds(raw);
  refuseForeignFields(json as Readonly<Record<string, unknown>>);
  const glm = family === "glm" || family === "glm4";
  const headSize = headSizeOf(raw, family);
  const keyValueHeads = raw.num_key_value_heads ?? raw.num_attention_heads;
  if (raw.num_attention_heads % keyValueHeads !== 0) {
    fault("num_key_value_heads", keyValueHeads, `must divide num_attention_heads (${raw.num_attention_heads})`);
  }
  const attentionBias = family === "qwen2" || (family !== "mistral" && (raw.attention_bias ?? false));
  return {
    family,
    hiddenSize: raw.hidden_size,
    layers: raw.num_hidden_layers,
    queryHeads: raw.num_attention_heads,
    keyValueHeads,
    headSize,
    intermediateSize: raw.intermediate_size,
    vocabularySize: raw.vocab_size,
    trainedContext: raw.max_position_embeddings,
    normEpsilon: raw.rms_norm_eps ?? 1e-6,
    rope: ropeOf(raw),
    rotary: rotaryLayoutOf(raw, glm, headSize),
    tiedEmbeddings: raw.tie_word_embeddings ?? false,
    attentionBias,
    outputBias: attentionBias && family !== "qwen2" && !glm,
    mlpBias: family === "llama" && (raw.mlp_bias ?? false),
    queryKeyNorm: family === "qwen3",
    fusedGateUp: glm,
    outputNorms: family === "glm4",
    slidingWindow: slidingWindowOf(raw, family),
    endOfTextIds: typeof raw.eos_token_id === "number" ? [raw.eos_token_id] : raw.eos_token_id ?? [],
    beginOfTextId: raw.bos_token_id ?? null,
  };
}

function fault(field: string, value: unknown, rule: string): never {
  throw new ModelFileError(`config.json: ${field} ${JSON.stringify(value)}: ${rule}`);
}

function familyOf(json: unknown): ModelFamily {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new ModelFileError(`config.json: must be an object, not ${JSON.stringify(json)}`);
  }
  const { model_type: type } = json as { model_type?: unknown };
  const family = families.find((name) => name === type);
  if (family) return family;
  const found = type === undefined ? "is missing" : `${JSON.stringify(type)} can't be run`;
  throw new ModelFileError(`config.json: model_type ${found}; the families that can be run are ${families.join(", ")}`);
}

function faultsOf(error: z.core.$ZodError): ModelFileError {
  const faults = error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  return new ModelFileError(`config.json: ${faults.join("; ")}`);
}

function refuseUnknownKinds(raw: RawConfig): void {
  const activation = raw.hidden_act ?? "silu";
  if (activation !== "silu") fault("hidden_act", activation, 'the activation that can be run is "silu"');
  if (raw.quantization_config !== undefined && raw.quantization_config !== null) {
    const found = JSON.stringify(raw.quantization_config).slice(0, 80);
    throw new ModelFileError(
      `config.json: quantization_config ${found}: quantized weights can't be run; use a checkpoint in f32, f16 or bf16`,
    );
  }
}

function headSizeOf(raw: RawConfig, family: ModelFamily): number {
  // Qwen 3 and GLM leave hidden_size / heads out of it: without the field their heads have 128 channels.
  const wide = family === "qwen3" || family === "glm" || family === "glm4";
  const given = raw.head_dim === undefined && wide ? 128 : raw.head_dim ?? undefined;
  const headSize = given ?? raw.hidden_size / raw.num_attention_heads;
  if (!Number.isInteger(headSize)) {
    fault("hidden_size", raw.hidden_size, `must be a multiple of num_attention_heads (${raw.num_attention_heads})`);
  }
  if (headSize % 2 !== 0) {
    fault(given ? "head_dim" : "hidden_size / num_attention_heads", headSize, "must be even: channels rotate in pairs");
  }
  return headSize;
}

function rotaryLayoutOf(raw: RawConfig, glm: boolean, headSize: number): RotaryLayout {
  // Hugging Face's default for the GLM families.
  const share = rotaryShareOf(raw, glm ? 0.5 : 1);
  if (!glm && share !== 1) {
    fault("partial_rotary_factor", share, "heads that rotate in part can be run in glm and glm4 models only");
  }
  const channels = share * headSize;
  if (channels > headSize || !Number.isInteger(channels / 2)) {
    fault("partial_rotary_factor", share, `must make an even number of a head's ${headSize} channels, at most all`);
  }
  return { channels, interleaved: glm };
}

function slidingWindowOf(raw: RawConfig, family: ModelFamily): number | null {
  if (family === "llama" || family === "glm" || family === "glm4") return null;
  // Hugging Face's default for a config.json without the field.
  if (family === "mistral") return raw.sliding_window === undefined ? 4096 : raw.sliding_window;
  if (!raw.use_sliding_window) return null;
  const window = raw.sliding_window === undefined ? 4096 : raw.sliding_window;
  if (window === null) return null;
  const first = raw.max_window_layers ?? 28;
  const sliding = Array.from(
    { length: raw.num_hidden_layers },
    (_, layer) => raw.layer_types ? raw.layer_types[layer] === "sliding_attention" : layer >= first,
  );
  if (sliding.every((slides) => !slides)) return null;
  if (sliding.every((slides) => slides)) return window;
  throw new ModelFileError(
    "config.json: use_sliding_window true: only some layers slide (layer_types, max_window_layers); " +
      "models whose layers all slide, or none, can be run",
  );
}
