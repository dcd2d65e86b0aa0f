import { assert, assertEquals } from "@std/assert";
import { loadModel } from "../../lib/model/mod.ts";
import { gpuTest } from "../gpu_test_device.ts";

gpuTest("logits waits for the GPU once a step, and tells the scope all the same", async (device) => {
  using model = await loadModel("demo", { device });
  const { vocabularySize } = model.config;
  using session = model.createSession({ method: "full" });
  const readsOf = async (tokens: readonly number[]) => {
    const before = device.readBack.reads;
    const logits = await session.logits(tokens);
    assertEquals(logits.length, tokens.length * vocabularySize);
    assert(logits.every(Number.isFinite));
    return device.readBack.reads - before;
  };
  assertEquals([await readsOf([5, 6, 7]), session.scope], [1, 3]);
  assertEquals([await readsOf([8]), session.scope], [1, 4]);
  // Without a token there is no step.
  assertEquals([await readsOf([]), session.scope], [1, 4]);
});
