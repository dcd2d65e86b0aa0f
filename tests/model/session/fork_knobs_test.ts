import { assertEquals, assertThrows } from "@std/assert";
import { loadModel } from "../../../lib/model/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";

gpuTest("Session.fork goes on with other knobs, and leaves its own as they were", async (device) => {
  using model = await loadModel("demo", { device });
  using session = model.createSession({ method: "reattention-window", knobs: { k: 2 } });
  await session.append(model.tokenizer.encode("It rained all day. Then it snowed. ".repeat(40)));
  using fork = session.fork({ knobs: { recallClip: 0 } });
  assertEquals([fork.length, fork.method.name], [session.length, "reattention-window"]);
  assertEquals([fork.method.knobs.recallClip, fork.method.knobs.k], [0, 4]);
  assertEquals([session.method.knobs.recallClip, session.method.knobs.k], [7, 2]);
  await fork.answer(" Question: What was it?", { maxTokens: 1 });
  await session.answer(" Question: What was it?", { maxTokens: 1 });
  // 32 leading tokens and the window of 256 against up to 7 spans of 32 more.
  assertEquals(fork.scope, 288);
  assertEquals(session.scope > 288, true);
});

gpuTest(
  "Session.fork refuses knobs that createSession refuses, and those of methods it can't make anew",
  async (device) => {
    using model = await loadModel("demo", { device });
    using session = model.createSession();
    assertThrows(
      () => session.fork({ knobs: { recallClip: 50 } }),
      RangeError,
      "more than the model's trained context",
    );
    using layered = model.createSession({ layerKnobs: [{ k: 1 }, {}, {}, {}] });
    assertThrows(() => layered.fork({ knobs: { k: 2 } }), RangeError, "fork: ");
    using plain = layered.fork();
    assertEquals(plain.length, 0);
  },
);
