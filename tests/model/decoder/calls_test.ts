import { assertEquals } from "@std/assert";
import { KeyValueCache, type Knobs, type StorageType } from "../../../lib/attention/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { Decoder, DecoderWeights, Model, parseConfig } from "../../../lib/model/mod.ts";
import { Sampler } from "../../../lib/model/decoder/sampler.ts";
import { BlankWeights } from "../../../lib/model/plan/blank_weights.ts";
import { methodFor } from "../../../lib/model/session/session_method.ts";
import { SequenceReader } from "../../../lib/model/session/sequence_reader.ts";
import { gpuTest } from "../../gpu_test_device.ts";

const LAYERS = 3;
/** Tokens cached before: none of the buffers passes to the next size in the tokens that are counted. */
const LENGTH = 1040;
const config = parseConfig({
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: LAYERS,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 16,
  vocab_size: 256,
  max_position_embeddings: 4096,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
});
const knobs = { globalSize: 32, window: 96, k: 4, spanSize: 32, recallClip: 2, chunkSize: 64 };
/** What GPUs choose; software adapters have other kernels. */
const usual = { "decode selection": "workgroups", "decode attention": "split", "projections": "stacked" };

/** Kernel calls of each of `steps` tokens, and how many of those were not expected at their place. */
async function callsOfTokens(
  device: Device,
  own: Partial<Knobs>,
  keyType: StorageType,
  steps: number,
): Promise<{ calls: number[]; unexpected: number; kernels: Map<string, number> }> {
  using counting = device.counting();
  for (const [question, option] of Object.entries(usual)) counting.choices.pick(question, option);
  const weights = await DecoderWeights.load(counting, config, new BlankWeights(config), { type: "f32" });
  using model = new Model(config, undefined, new Decoder(counting, config, weights));
  const method = methodFor(model, { method: "reattention", knobs: { ...knobs, ...own } });
  const cache = new KeyValueCache(counting, model.decoder.attentionShape, { keyType });
  using reader = new SequenceReader(model, method, cache, { trace: false });
  using sampler = new Sampler(counting, 1, 300, { temperature: 0, topP: 1, topK: 0, seed: 1 });
  cache.reserve(1400);
  cache.extend(LENGTH);
  const kernels = new Map<string, number>();
  const { commands } = counting;
  const dispatch = commands.dispatch.bind(commands);
  let made = 0;
  commands.dispatch = (call) => {
    made++;
    kernels.set(call.kernel, (kernels.get(call.kernel) ?? 0) + 1);
    dispatch(call);
  };
  const decode = async (count: number) => {
    const calls: number[] = [];
    for (let token = 0; token < count; token++) {
      made = 0;
      using hidden = await reader.stepper.step(sampler.next, { phase: "decode", first: false, questionStart: LENGTH });
      using logits = model.decoder.logits(hidden);
      sampler.choose(logits);
      calls.push(made);
    }
    return calls;
  };
  // The first tokens teach each kind of step its calls.
  await decode(64);
  kernels.clear();
  const before = commands.unexpected;
  const calls = await decode(steps);
  return { calls, unexpected: commands.unexpected - before, kernels };
}

const cases: [string, Partial<Knobs>, StorageType][] = [
  ["reattention", {}, "f32"],
  ["recallEvery 2", { recallEvery: 2 }, "f32"],
  ["recallEvery 3", { recallEvery: 3 }, "f32"],
  ["recallEvery 8", { recallEvery: 8 }, "f32"],
  ["int8 keys", {}, "int8"],
  ["int8 keys, recallEvery 2", { recallEvery: 2 }, "int8"],
];

for (const [name, own, keyType] of cases) {
  gpuTest(
    `decoding with ${name} finds every call at its place, and makes no more than the layers need`,
    async (device) => {
      const steps = 48;
      const { calls, unexpected, kernels } = await callsOfTokens(device, own, keyType, steps);
      assertEquals(unexpected, 0);
      // Keys and values are stored by one call a layer, however they are stored.
      assertEquals(kernels.get("cache_append"), LAYERS * steps);
      const kinds = [...new Set(calls)].sort((a, b) => a - b);
      assertEquals(kinds, "recallEvery" in own ? [kinds[0], kinds[1]] : [kinds[0]]);
      const selecting = calls.filter((made) => made === kinds.at(-1)).length;
      assertEquals(selecting, steps / (own.recallEvery ?? 1));
    },
  );
}
