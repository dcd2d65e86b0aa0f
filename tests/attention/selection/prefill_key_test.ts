import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { createMethod, type Knobs, type MethodName, presets } from "../../../lib/attention/mod.ts";

const shape = { layers: 1, queryHeads: 4, keyValueHeads: 2, headSize: 8 };
const keyOf = (name: MethodName, knobs: Partial<Knobs> = {}) =>
  createMethod(name, { ...presets.demo, ...knobs }, shape).prefillKey?.() ?? "";

Deno.test("prefillKey changes with every knob while context is selected from", () => {
  const changes: Partial<Knobs>[] = [
    { k: 5 },
    { spanSize: 16 },
    { recallClip: 3 },
    { scoring: "v" },
    { window: 128 },
    { chunkSize: 32 },
    { positions: "original" },
    { recall: "prefill" },
    { recallEvery: 2 },
    { share: "kvHead" },
    { queryCacheLength: 4 },
  ];
  const keys = [{}, ...changes].map((change) => keyOf("reattention", change));
  assertEquals(new Set(keys).size, keys.length);
});

Deno.test("prefillKey leaves out what comes later, where the context is read without selection", () => {
  const later: Partial<Knobs> = { k: 9, spanSize: 8, recallClip: 2, scoring: "qkv", share: "kvHead", recallEvery: 3 };
  assertEquals(keyOf("reattention-window", later), keyOf("reattention-window"));
  assertEquals(keyOf("reattention", { ...later, prefill: "window" }), keyOf("reattention-window"));
  assertEquals(keyOf("reattention", { ...later, recall: "generate" }), keyOf("reattention", { recall: "never" }));
  assertEquals(keyOf("full", later), keyOf("full"));
  for (const change of [{ window: 128 }, { chunkSize: 32 }, { globalSize: 16 }, { queryCacheLength: 4 }]) {
    assertNotEquals(keyOf("reattention-window", change), keyOf("reattention-window"));
  }
  assertNotEquals(keyOf("reattention-window"), keyOf("reattention", { recall: "generate" }));
  assert(keyOf("streaming", { positions: "original" }) !== keyOf("streaming"));
});
