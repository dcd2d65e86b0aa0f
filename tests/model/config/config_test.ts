import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import type { RopeScaling } from "../../../lib/attention/attend/rotary_frequencies.ts";
import { type ModelConfig, parseConfig } from "../../../lib/model/config/config.ts";
import { ModelFileError } from "../../../lib/model/model_file_error.ts";

const base = {
  model_type: "llama",
  hidden_size: 60,
  intermediate_size: 112,
  num_hidden_layers: 2,
  num_attention_heads: 6,
  num_key_value_heads: 3,
  vocab_size: 300,
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-5,
};

const parse = (changes: Record<string, unknown> = {}): ModelConfig => parseConfig({ ...base, ...changes });

function assertFault(changes: Record<string, unknown>, message: string): void {
  const error = assertThrows(() => parse(changes), ModelFileError, message);
  assertInstanceOf(error, RangeError);
}

Deno.test("parseConfig reads a plain llama config", () => {
  assertEquals(parse(), {
    family: "llama",
    hiddenSize: 60,
    layers: 2,
    queryHeads: 6,
    keyValueHeads: 3,
    headSize: 10,
    intermediateSize: 112,
    vocabularySize: 300,
    trainedContext: 2048,
    normEpsilon: 1e-5,
    rope: { base: 10000, scaling: null },
    rotary: { channels: 10, interleaved: false },
    tiedEmbeddings: false,
    attentionBias: false,
    outputBias: false,
    mlpBias: false,
    queryKeyNorm: false,
    fusedGateUp: false,
    outputNorms: false,
    slidingWindow: null,
    endOfTextIds: [],
    beginOfTextId: null,
  });
});

Deno.test("parseConfig lets head_dim win and falls back to hidden_size / heads", () => {
  assertEquals(parse({ head_dim: 32 }).headSize, 32);
  assertEquals(parse({ head_dim: null }).headSize, 10);
  assertEquals(parse({ num_key_value_heads: null }).keyValueHeads, 6);
  assertEquals(parse({ model_type: "qwen3" }).headSize, 128);
});

Deno.test("parseConfig reads what the GLM families have of their own", () => {
  const config = parse({ model_type: "glm4", head_dim: 32, attention_bias: true });
  assertEquals(config.rotary, { channels: 16, interleaved: true });
  assertEquals([config.attentionBias, config.outputBias, config.fusedGateUp, config.outputNorms], [
    true,
    false,
    true,
    true,
  ]);
  assertEquals(parse({ model_type: "glm", partial_rotary_factor: 1 }).rotary, { channels: 128, interleaved: true });
});

Deno.test("parseConfig reads the rotary embedding in its older and its newer form", () => {
  const linear = { type: "linear", factor: 4 };
  assertEquals(parse({ rope_theta: 5e5, rope_scaling: linear }).rope, {
    base: 5e5,
    scaling: { type: "linear", factor: 4 },
  });
  assertEquals(parse({ rope_parameters: { rope_type: "default", rope_theta: 7 } }).rope, { base: 7, scaling: null });
  const llama3 = { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
  const expected: RopeScaling = {
    type: "llama3",
    factor: 8,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalContext: 8192,
  };
  const original = { original_max_position_embeddings: 8192 };
  assertEquals(parse({ rope_theta: 9, rope_scaling: { ...llama3, ...original } }).rope, { base: 9, scaling: expected });
  assertEquals(parse({ rope_parameters: { ...llama3, ...original, rope_theta: 9 } }).rope, {
    base: 9,
    scaling: expected,
  });
  assertEquals(parse({ rope_parameters: llama3, ...original }).rope.scaling, expected);
});

Deno.test("parseConfig knows each family's biases and norms", () => {
  const flags = (changes: Record<string, unknown>) => {
    const { attentionBias, outputBias, mlpBias, queryKeyNorm } = parse(changes);
    return [attentionBias, outputBias, mlpBias, queryKeyNorm];
  };
  const biased = { attention_bias: true, mlp_bias: true };
  assertEquals(flags(biased), [true, true, true, false]);
  assertEquals(flags({ model_type: "mistral", ...biased }), [false, false, false, false]);
  assertEquals(flags({ model_type: "qwen2" }), [true, false, false, false]);
  assertEquals(flags({ model_type: "qwen3" }), [false, false, false, true]);
  assertEquals(flags({ model_type: "qwen3", attention_bias: true }), [true, true, false, true]);
});

Deno.test("parseConfig switches sliding windows on where the family does", () => {
  const window = (changes: Record<string, unknown>) => parse(changes).slidingWindow;
  assertEquals(window({ sliding_window: 12 }), null);
  assertEquals(window({ model_type: "mistral", sliding_window: 12 }), 12);
  assertEquals(window({ model_type: "mistral", sliding_window: null }), null);
  assertEquals(window({ model_type: "mistral" }), 4096);
  const qwen = { model_type: "qwen2", sliding_window: 16 };
  assertEquals(window(qwen), null);
  assertEquals(window({ ...qwen, use_sliding_window: true, max_window_layers: 0 }), 16);
  assertEquals(window({ ...qwen, use_sliding_window: true }), null); // 28 layers first, and there are but two
  assertFault({ ...qwen, use_sliding_window: true, max_window_layers: 1 }, "only some layers slide");
  const types = ["sliding_attention", "sliding_attention"];
  assertEquals(window({ ...qwen, use_sliding_window: true, layer_types: types }), 16);
});

Deno.test("parseConfig takes end-of-text ids as a number, a list or none", () => {
  assertEquals(parse({ eos_token_id: 2 }).endOfTextIds, [2]);
  assertEquals(parse({ eos_token_id: [2, 7] }).endOfTextIds, [2, 7]);
  assertEquals(parse({ eos_token_id: null, bos_token_id: 1 }).endOfTextIds, []);
  assertEquals(parse({ bos_token_id: 1 }).beginOfTextId, 1);
});

Deno.test("parseConfig names field, value and rule of every fault", () => {
  assertFault({ hidden_size: "big" }, 'hidden_size: must be a positive whole number, not "big"');
  assertFault({ vocab_size: undefined }, "vocab_size: is missing; it must be a positive whole number");
  assertFault(
    { num_hidden_layers: 0, intermediate_size: 1.5 },
    "intermediate_size: must be a positive whole number, not 1.5",
  );
  assertFault(
    { num_hidden_layers: 0, intermediate_size: 1.5 },
    "num_hidden_layers: must be a positive whole number, not 0",
  );
  assertFault({ num_key_value_heads: 4 }, "num_key_value_heads 4: must divide num_attention_heads (6)");
  assertFault({ hidden_size: 61 }, "hidden_size 61: must be a multiple of num_attention_heads (6)");
  assertFault({ head_dim: 7 }, "head_dim 7: must be even");
  assertFault({ hidden_act: "gelu" }, 'hidden_act "gelu"');
  assertFault({ eos_token_id: "</s>" }, "eos_token_id: must be a token id, a list of token ids, or null");
  assertFault({ tie_word_embeddings: "no" }, "tie_word_embeddings: must be true or false");
  assertFault({ quantization_config: { bits: 4 } }, "quantized weights can't be run");
  assertFault({ partial_rotary_factor: 0.5 }, "partial_rotary_factor 0.5: heads that rotate in part can be run in glm");
  const glm = { model_type: "glm", head_dim: 12 };
  assertFault({ ...glm, partial_rotary_factor: 0.25 }, "must make an even number of a head's 12 channels");
  assertFault({ ...glm, partial_rotary_factor: 2 }, "at most all");
});

Deno.test("parseConfig names the kinds of rotary scaling that can be run", () => {
  for (const type of ["yarn", "dynamic", "longrope"]) {
    assertFault(
      { rope_scaling: { type, factor: 2 } },
      `rope_type "${type}" can't be run; default, linear and llama3 can`,
    );
  }
  assertFault({ rope_scaling: { type: "linear" } }, "rope_scaling.factor is missing");
  assertFault({ rope_parameters: { rope_type: "linear", factor: 0.5 } }, "rope_parameters.factor must be at least 1");
  const flat = { rope_type: "llama3", factor: 8, low_freq_factor: 4, high_freq_factor: 4 };
  assertFault({ rope_scaling: flat }, "high_freq_factor must be more than low_freq_factor (4), not 4");
  assertFault({ rope_scaling: { ...flat, high_freq_factor: 5 } }, "original_max_position_embeddings is missing");
});

Deno.test("parseConfig names the families that can be run", () => {
  for (const type of ["glm5", "gpt2", 3]) {
    assertFault({ model_type: type }, `${JSON.stringify(type)} can't be run; the families that can be run are llama,`);
  }
  assertFault({ model_type: undefined }, "model_type is missing");
  assertThrows(() => parseConfig(null), ModelFileError, "must be an object, not null");
  assertThrows(() => parseConfig([]), ModelFileError, "must be an object");
});
