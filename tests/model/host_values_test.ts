import { assertEquals, assertGreater, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Knobs, MethodName, StorageType } from "../../lib/attention/mod.ts";
import { MemoryBudgetError } from "../../lib/gpu/mod.ts";
import { loadModel, type Model, type Session } from "../../lib/model/mod.ts";
import { gpuTest, gpuTestWith } from "../gpu_test_device.ts";

const tokensFrom = (seed: number, count: number) =>
  Array.from({ length: count }, (_, index) => (seed + index * 7919) % 8000);

function pair(model: Model, options: Parameters<Model["createSession"]>[0]): [Session, Session] {
  const on = (valuesOn: "gpu" | "host") => model.createSession({ ...options, cache: { ...options?.cache, valuesOn } });
  return [on("gpu"), on("host")];
}

// Values from the host are gathered before attention; the other way to decode sums in another order.
const gathered = { choices: { "decode attention": "gathered" } };

gpuTestWith(
  gathered,
  "values in host memory give the same selections and outputs, bit for bit, and forks share them",
  async (device) => {
    using model = await loadModel("demo", { device });
    const cases = fc.record({
      method: fc.constantFrom<MethodName>("reattention", "reattention-window", "streaming", "full"),
      keyType: fc.constantFrom<StorageType>("f32", "int8", ...(device.info.f16 ? ["f16" as const] : [])),
      pageTokens: fc.constantFrom(16, 48, 256),
      knobs: fc.record<Partial<Knobs>>({
        share: fc.constantFrom("layer", "kvHead"),
        positions: fc.constantFrom("compact", "original"),
        recallEvery: fc.constantFrom(1, 3),
        k: fc.constantFrom(1, 4),
      }),
      length: fc.integer({ min: 100, max: 460 }),
      seed: fc.nat(5000),
    });
    const run = fc.asyncProperty(cases, async ({ method, keyType, pageTokens, knobs, length, seed }) => {
      const small = {
        ...knobs,
        globalSize: 8,
        window: 64,
        spanSize: 8,
        recallClip: 8,
        chunkSize: 32,
        allowBeyondTrained: true,
      };
      const sessions = pair(model, { method, knobs: small, trace: true, cache: { keyType, pageTokens } });
      try {
        const seen = [];
        for (const session of sessions) {
          const first = await session.logits(tokensFrom(seed, length));
          using fork = session.fork();
          const forked = await fork.logits(tokensFrom(seed + 1, 40));
          const [answer] = [await session.generate([8], { maxTokens: 5, stopTokens: [] })];
          const again = await session.logits(tokensFrom(seed + 2, 20));
          const after = await fork.generate([9], { maxTokens: 3, stopTokens: [] });
          const selected = (await session.readTrace()).map(({ layers }) => {
            return layers.map(({ groups }) => groups.map(({ indices }) => [...indices]));
          });
          seen.push({
            logits: [first, forked, again].map((each) => new Uint32Array(each.buffer.slice(0))),
            answer,
            after,
            selected,
          });
        }
        assertEquals(seen[1], seen[0]);
      } finally {
        for (const session of sessions) session[Symbol.dispose]();
      }
    });
    await fc.assert(run, { seed: 71, numRuns: 4 });
  },
);

gpuTest("values in host memory take none on the GPU", async (device) => {
  using model = await loadModel("demo", { device });
  const before = device.memory.liveBytes;
  const sessions = pair(model, { method: "reattention" });
  try {
    const bytes: number[] = [];
    for (const session of sessions) {
      const start = device.memory.liveBytes;
      await session.append(tokensFrom(1, 600));
      bytes.push(device.memory.liveBytes - start);
    }
    assertGreater(bytes[0], 1.9 * bytes[1] - 2 ** 16);
  } finally {
    for (const session of sessions) session[Symbol.dispose]();
  }
  assertGreater(2 ** 20, device.memory.liveBytes - before);
});

gpuTest("valuesOn refuses what there isn't, and storage that the host has not", async (device) => {
  using model = await loadModel("demo", { device });
  assertThrows(
    () => model.createSession({ cache: { valuesOn: "disk" as "host" } }),
    RangeError,
    'valuesOn "disk" must be "gpu" or "host" or "file"',
  );
  assertThrows(
    () => model.createSession({ cache: { valuesOn: "host", valueType: "int8" } }),
    RangeError,
    "kept there as f32",
  );
});

gpuTestWith({ memoryBytes: 2 ** 26 }, "values in host memory past what there is are refused", async (device) => {
  if (!device.info.software) return;
  using model = await loadModel("demo", { device });
  using session = model.createSession({ method: "reattention", cache: { valuesOn: "host" } });
  await assertRejects(() => session.append(tokensFrom(1, 20_000)), MemoryBudgetError, "in host memory");
});
