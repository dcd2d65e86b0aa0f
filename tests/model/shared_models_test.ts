import { assert, assertEquals, assertGreater } from "@std/assert";
import { parseConfig } from "../../lib/model/config/config.ts";
import { openWeights, SafetensorsFile } from "../../lib/model/weights/safetensors.ts";
import { loadTokenizer } from "../../lib/model/text/tokenizer.ts";
import { readText } from "../../lib/platform.ts";

const goldens = new URL("../../../shared/goldens/models/", import.meta.url);
const study = new URL("../../../shared/study_model/", import.meta.url);

async function readConfig(folder: URL): Promise<unknown> {
  return JSON.parse(await readText(new URL("config.json", folder)));
}

function goldenFolders(): URL[] {
  const names = [...Deno.readDirSync(goldens)].filter(({ isDirectory }) => isDirectory).map(({ name }) => name).sort();
  return names.map((name) => new URL(`${name}/`, goldens));
}

Deno.test("parseConfig and openWeights read every golden model", async () => {
  let read = 0;
  for (const folder of goldenFolders()) {
    const json = await readConfig(folder) as Record<string, unknown>;
    const config = parseConfig(json);
    const weights = await openWeights(folder);
    const layer = "model.layers.0.self_attn";
    const shape = (name: string) => [...weights.entry(name).shape];
    assertEquals(shape("model.embed_tokens.weight"), [config.vocabularySize, config.hiddenSize]);
    assertEquals(shape(`${layer}.q_proj.weight`), [config.queryHeads * config.headSize, config.hiddenSize]);
    assertEquals(shape(`${layer}.k_proj.weight`), [config.keyValueHeads * config.headSize, config.hiddenSize]);
    assertEquals(weights.has("lm_head.weight"), !config.tiedEmbeddings);
    assertEquals(weights.has(`${layer}.q_proj.bias`), config.attentionBias);
    assertEquals(weights.has(`${layer}.o_proj.bias`), config.outputBias);
    assertEquals(weights.has(`${layer}.q_norm.weight`), config.queryKeyNorm);
    assertEquals(weights.has("model.layers.0.mlp.gate_up_proj.weight"), config.fusedGateUp);
    assertEquals(weights.has("model.layers.0.post_mlp_layernorm.weight"), config.outputNorms);
    const last = await weights.readFloats(`model.layers.${config.layers - 1}.mlp.down_proj.weight`);
    assertEquals(last.length, config.hiddenSize * config.intermediateSize);
    assert(last.every(Number.isFinite) && last.some((value) => value !== 0));
    read++;
  }
  assertGreater(read, 0);
});

Deno.test("openWeights gives the embeddings that the goldens' first hidden states are rows of", async () => {
  for (const folder of goldenFolders()) {
    const weights = await openWeights(folder);
    const golden = await SafetensorsFile.open(new URL("golden.safetensors", folder));
    const ids = await golden.readInts("input_ids");
    const hidden = await golden.readFloats("hidden0");
    const width = hidden.length / ids.length;
    for (const place of [0, ids.length - 1]) {
      const row = await weights.readRows("model.embed_tokens.weight", ids[place], 1);
      // Widening is exact, so nothing may differ.
      assertEquals(row, hidden.slice(place * width, (place + 1) * width));
    }
  }
});

Deno.test("loadTokenizer reads the study model's words, and its example comes back from its tokens", async () => {
  const config = parseConfig(await readConfig(study));
  const tokenizer = await loadTokenizer(study);
  assertEquals(tokenizer.vocabularySize, config.vocabularySize);
  const question = "question : what is secret code of K7 ? answer secret code of K7 482 913 .";
  const ids = tokenizer.encode(question);
  assertEquals(ids.length, question.split(" ").length);
  assertEquals(tokenizer.decode(ids), question);
  const stream = tokenizer.textStream();
  assertEquals(ids.map((id) => stream.push(id)).join("") + stream.end(), question);
});
