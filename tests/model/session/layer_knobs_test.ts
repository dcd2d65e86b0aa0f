import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import type { Knobs, MethodName } from "../../../lib/attention/mod.ts";
import { loadModel } from "../../../lib/model/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";

const prompt = Array.from({ length: 700 }, (_, i) => (7919 * i + 13 * i * i) % 8192);
const layerKnobs: Partial<Knobs>[] = [{}, { window: 128, recallClip: 4 }, { k: 1, spanSize: 8 }, {
  recall: "never",
  window: 200,
}];

gpuTest("each layer attends by its own knobs, and the first one as if all were like it", async (device) => {
  using model = await loadModel("demo", { device });
  const knobs = { allowBeyondTrained: true };
  const options = { method: "reattention", knobs, trace: true } as const;
  using mixed = model.createSession({ ...options, layerKnobs });
  using plain = model.createSession(options);
  using same = model.createSession({ ...options, layerKnobs: [{}, {}, {}, {}] });
  const answers: number[][] = [];
  for (const session of [mixed, plain, same]) {
    answers.push(await session.generate(prompt, { maxTokens: 6, stopTokens: [] }));
  }
  assertEquals(answers[2], answers[1]);
  const [left, right, third] = [await mixed.readTrace(), await plain.readTrace(), await same.readTrace()];
  assertEquals(third, right);
  assertEquals(left.length, right.length);
  const { length, layers } = left.at(-7)!;
  assertEquals(layers.map(({ layer }) => layer), [0, 1, 2, 3]);
  assertEquals(layers.map(({ groups }) => length - groups[0].windowStart), [256, 128, 256, 0]);
  assert(layers[1].groups[0].centers.length <= 4);
  assertEquals(layers[2].picks[0].tokens.length, 1);
  assertEquals(layers[3].groups[0].indices.length, length);
  // All but the last five steps, whose tokens are the answers' own.
  left.slice(0, -5).forEach(({ layers }, step) => {
    assertEquals(layers[0], right[step].layers[0], `step ${step}: the first layer sees the same tokens`);
  });
  assertNotEquals(left.at(-6)!.layers[1].groups, right.at(-6)!.layers[1].groups);
});

gpuTest("layerKnobs names what does not fit", async (device) => {
  using model = await loadModel("demo", { device });
  const refuse = (layerKnobs: Partial<Knobs>[], message: string, knobs: Partial<Knobs> = {}) =>
    assertThrows(() => model.createSession({ knobs, layerKnobs }), RangeError, message);
  refuse([{}], "1 entries for a model of 4 layers");
  refuse([{}, { chunkSize: 32 }, {}, {}], "layer 1 has chunkSize 32, layer 0 64");
  refuse([{}, {}, { k: -1 }, {}], "k");
  refuse([{}, {}, {}, { window: 400 }], "more than the model's trained context");
  refuse([{}, {}, {}, {}], "recallEvery 2 must be 1", { recallEvery: 2, window: 128 });
});

gpuTest("layers can use different methods, by a map, in sessions and batches", async (device) => {
  using model = await loadModel("demo", { device });
  const knobs = { allowBeyondTrained: true };
  const method = { "0-1": "full", "3": "h2o-compact", default: "reattention" } as const;
  using mixed = model.createSession({ method, knobs, trace: true });
  assertEquals(mixed.method.name, "mixed");
  // Two layers keep all of 1,000 tokens and read none to select, one keeps all and reads its middle, one keeps 448.
  const decode = { length: 1000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
  assertEquals(mixed.method.keptTokens?.(1000), (3 * 1000 + 448) / 4);
  assertEquals(mixed.method.scoredKeys?.(decode), (1000 - 288) / 4);
  await mixed.append(prompt);
  const { length, layers } = (await mixed.readTrace()).at(-1)!;
  assertEquals(layers.map(({ groups }) => groups.length), [1, 1, 1, 4]);
  assertEquals(layers.slice(0, 2).map(({ groups }) => groups[0].indices.length), [length, length]);
  assert(layers[2].groups[0].centers.length > 0);
  assertEquals(layers[3].groups[0].indices.length, Math.floor((512 - 64) / 2) * 2 + (700 - 288) % 64);
  using same = model.createSession({ method: { default: "reattention" }, knobs });
  using plain = model.createSession({ method: "reattention", knobs });
  using batch = model.createBatch(2, { method, knobs });
  const options = { maxTokens: 4, stopTokens: [] };
  assertEquals(await same.generate(prompt, options), await plain.generate(prompt, options));
  using alone = model.createSession({ method, knobs });
  const answer = await alone.generate(prompt, options);
  assertEquals(await batch.generate([prompt, prompt], options), [answer, answer]);
  const refuse = (method: Record<string, MethodName>, message: string) =>
    assertThrows(() => model.createSession({ method, knobs }), RangeError, message);
  refuse({ "0-4": "full", default: "streaming" }, 'layers "0-4": must be "default", a layer from 0 to 3');
  refuse({ first: "full" }, 'layers "first"');
  refuse({ "0-1": "full", "1": "streaming" }, 'layers "0-1": layer 1 has the method "streaming" already');
  refuse({ "0": "full" }, "no method for layer 1");
  refuse({ default: "fulll" as MethodName }, 'there is no method "fulll"');
});

gpuTest("a method whose own knobs pass the trained context is refused, and told so", async (device) => {
  using model = await loadModel("demo", { device });
  const refuse = (method: MethodName, own: Record<string, unknown>, message: string) =>
    assertThrows(() => model.createSession({ method, knobs: { own } }), RangeError, message);
  refuse("h2o", { heavy: 600 }, "h2o: a step would attend to 888 tokens (as its own knobs make it), 376 more than");
  refuse("infllm", { blocks: 20 }, "(as its own knobs make it)");
  refuse("infllm", { block: 0 }, 'method "infllm": block 0: must be at least 1');
  // What attends to everything may do so within the trained context, and is refused where it would pass it.
  using yarn = model.createSession({ method: "yarn" });
  await yarn.append(prompt.slice(0, 500));
  await assertRejects(() => yarn.append(prompt.slice(0, 100)), RangeError, "yarn: a step would attend to 564 tokens");
  assertEquals(yarn.length, 500);
});
