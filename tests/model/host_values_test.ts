import { assertEquals, assertGreater, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  attendOver,
  type AttentionMethod,
  type CacheOptions,
  createMethod,
  type Knobs,
  listOuter,
  type MethodName,
  methodNames,
  type StorageType,
} from "../../lib/attention/mod.ts";
import { MemoryBudgetError } from "../../lib/gpu/mod.ts";
import { loadModel, type Model, type Session } from "../../lib/model/mod.ts";
import { PlatformError } from "../../lib/platform.ts";
import { gpuTest, gpuTestWith } from "../gpu_test_device.ts";

const tokensFrom = (seed: number, count: number) =>
  Array.from({ length: count }, (_, index) => (seed + index * 7919) % 8000);

/** The same session with values on the GPU, in host memory, and in a file with room for a few layers' blocks in memory. */
function tiers(model: Model, options: Parameters<Model["createSession"]>[0]): [Session, Session, Session] {
  const on = (cache: CacheOptions) => model.createSession({ ...options, cache: { ...options?.cache, ...cache } });
  return [
    on({ valuesOn: "gpu" }),
    on({ valuesOn: "host" }),
    on({ valuesOn: "file", valuesFile: { hotBytes: 100_000 } }),
  ];
}

// Values from the host are gathered before attention; the other way to decode sums in another order.
const gathered = { choices: { "decode attention": "gathered" } };

gpuTestWith(
  gathered,
  "values in host memory or a file give the same selections and outputs, bit for bit (cache_append_keys), and forks share them",
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
      const sessions = tiers(model, { method, knobs: small, trace: true, cache: { keyType, pageTokens } });
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
        assertEquals(seen[2], seen[0]);
      } finally {
        for (const session of sessions) session[Symbol.dispose]();
      }
    });
    await fc.assert(run, { seed: 71, numRuns: 3 });
  },
);

// Of methods that share their way to attend, one. Of steps that only fill the cache, the last layer may not attend, but keeps its values.
const ways = [
  "streaming",
  "window",
  "self-extend",
  "infllm",
  "quest",
  "h2o",
  "snapkv",
  "token-select",
  "random",
] as const;

for (const method of ways) {
  gpuTestWith(gathered, `${method} attends alike with values outside the GPU`, async (device) => {
    using model = await loadModel("demo", { device });
    const knobs = { globalSize: 8, window: 64, spanSize: 8, recallClip: 8, chunkSize: 64, allowBeyondTrained: true };
    const seen = [];
    for (const valuesOn of ["gpu", "file"] as const) {
      using session = model.createSession({ method, knobs, cache: { valuesOn } });
      await session.append(tokensFrom(1, 130));
      seen.push([await session.logits([5, 6, 7]), await session.generate([8], { maxTokens: 2, stopTokens: [] })]);
    }
    assertEquals(seen[1], seen[0]);
  });
}

gpuTestWith(gathered, "scores that read keys alone select alike with values outside the GPU", async (device) => {
  using model = await loadModel("demo", { device });
  const knobs = { globalSize: 8, window: 64, spanSize: 8, recallClip: 8, chunkSize: 64, allowBeyondTrained: true };
  for (const scoring of ["k", "qk_pe", "v", "qkv", "qkv2_pe"] as const) {
    const asked = { method: "reattention", knobs: { ...knobs, scoring } } as const;
    if (scoring !== "k" && scoring !== "qk_pe") {
      const open = () => model.createSession({ ...asked, cache: { valuesOn: "host" } });
      assertThrows(open, RangeError, `for scores of the type "${scoring}"; use valuesOn "gpu"`);
      continue;
    }
    const sessions = tiers(model, asked);
    try {
      const seen = [];
      for (const session of sessions) seen.push(await session.logits(tokensFrom(3, 260)));
      assertEquals(seen[1], seen[0]);
      assertEquals(seen[2], seen[0]);
    } finally {
      for (const session of sessions) session[Symbol.dispose]();
    }
  }
});

gpuTest("a step that is refused with values outside the GPU leaves no buffer alive", async (device) => {
  using model = await loadModel("demo", { device });
  const twice = (knobs: Readonly<Knobs>): AttentionMethod => {
    const full = createMethod("full", knobs, model.decoder.attentionShape);
    return {
      name: "twice",
      knobs,
      cacheGrowth: "every token stays",
      layout: (shape) => full.layout(shape),
      scopeBound: (shape) => full.scopeBound(shape),
      attend(step, layer, queries) {
        attendOver(step, layer, queries, listOuter(step, layer))[Symbol.dispose]();
        return attendOver(step, layer, queries, listOuter(step, layer));
      },
    };
  };
  for (const valuesOn of ["host", "file"] as const) {
    using session = model.createSession({ method: twice, cache: { valuesOn } });
    const refused = () => session.append(tokensFrom(1, 40));
    await assertRejects(refused, RangeError, `valuesOn "${valuesOn}": the method twice does not attend over one list`);
    // Pages stay for the next tokens, tables for the next steps.
    const lasting = ["weights", "keys", "page table", "rotary table", "scope"];
    const alive = device.memory.figures().filter(({ liveBytes }) => liveBytes > 0).map(({ label }) => label);
    assertEquals(alive.filter((label) => !lasting.includes(label)), []);
    assertEquals(session.length, 0);
  }
});

gpuTest("held selections are read ahead whole, so that no step waits for the file", async (device) => {
  using model = await loadModel("demo", { device });
  const held = { recallEvery: 4, globalSize: 8, window: 64, spanSize: 8, recallClip: 8, chunkSize: 32 };
  // Room for about two of the layers' lists.
  const valuesFile = { hotBytes: 350_000 };
  using session = model.createSession({ method: "reattention", knobs: held, cache: { valuesOn: "file", valuesFile } });
  await session.append(tokensFrom(1, 500));
  await session.logits([1]);
  const before = session.valuesTraffic!;
  for (const token of [2, 3, 4]) await session.logits([token]);
  const after = session.valuesTraffic!;
  assertEquals(after.misses - before.misses, 0);
  assertGreater(after.ahead - before.ahead, 20);
});

gpuTest("values in host memory take none on the GPU", async (device) => {
  using model = await loadModel("demo", { device });
  const before = device.memory.liveBytes;
  const sessions = tiers(model, { method: "reattention" });
  try {
    const bytes: number[] = [];
    for (const session of sessions) {
      const start = device.memory.liveBytes;
      await session.append(tokensFrom(1, 600));
      bytes.push(device.memory.liveBytes - start);
    }
    for (const outside of bytes.slice(1)) assertGreater(bytes[0], 1.9 * outside - 2 ** 16);
    // Turned keys and brought values of a step are given back: only the keys as they were scored stay.
    const cached = device.memory.figures().filter(({ liveBytes }) => liveBytes > 0).map(({ label }) => label);
    assertEquals(cached.filter((label) => /gathered|rotated|from the host/.test(label)), []);
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
  assertThrows(
    () => model.createSession({ method: "long-heads", cache: { valuesOn: "host" } }),
    RangeError,
    'valuesOn "host": long-heads reads the values of all tokens for the vectors of its chunks',
  );
  assertThrows(
    () => model.createSession({ cache: { valuesOn: "file", valuesFile: { folder: "/no/such/folder" } } }),
    PlatformError,
    "cannot make a file in /no/such/folder",
  );
  assertThrows(
    () => model.createSession({ cache: { valuesFile: { hotBytes: 1 } } }),
    RangeError,
    'valuesFile is for valuesOn "file"',
  );
  using session = model.createSession({ method: "reattention", cache: { valuesOn: "host" } });
  const before = device.memory.liveBytes;
  assertThrows(() => session.fork({ knobs: { scoring: "qkv" } }), RangeError, 'valuesOn "host": reattention reads');
  assertEquals(device.memory.liveBytes, before);
});

gpuTest("methods that read keys where they are not say for what; others can have them outside", async (device) => {
  using model = await loadModel("demo", { device });
  const asked = { knobs: { allowBeyondTrained: true }, cache: { keysOn: "host" } } as const;
  const refused: [MethodName, string][] = [
    ["reattention", 'scores of the type "qk"'],
    ["reattention-window", 'scores of the type "qk"'],
    ["token-select", "the probabilities that they vote with"],
    ["quest", "the bounds of its pages"],
    ["quest-compact", "the bounds of its pages"],
    ["h2o", "the weights by which it evicts"],
    ["h2o-compact", "the weights by which it evicts"],
    ["snapkv", "the weights by which it evicts"],
    ["snapkv-compact", "the weights by which it evicts"],
    ["long-heads", "the vectors of its chunks"],
  ];
  for (const [method, reason] of refused) {
    assertThrows(
      () => model.createSession({ ...asked, method }),
      RangeError,
      `keysOn "host": ${method} reads the keys of all tokens for ${reason}; use keysOn "gpu"`,
    );
  }
  for (const method of methodNames.filter((name) => !refused.some(([method]) => method === name))) {
    using _session = model.createSession({ ...asked, method });
  }
  using session = model.createSession({ ...asked, method: "infllm" });
  await session.append(tokensFrom(1, 40));
  await assertRejects(() => session.inspect([5]), RangeError, 'which lie elsewhere (keysOn "host"); use keysOn "gpu"');
  const layers = { "0": "quest", default: "infllm" } as const;
  assertThrows(() => model.createSession({ ...asked, method: layers }), RangeError, "for the bounds of its pages");
});

gpuTestWith({ memoryBytes: 2 ** 26 }, "values in host memory past what there is are refused", async (device) => {
  if (!device.info.software) return;
  using model = await loadModel("demo", { device });
  using session = model.createSession({ method: "reattention", cache: { valuesOn: "host" } });
  await assertRejects(() => session.append(tokensFrom(1, 20_000)), MemoryBudgetError, "in host memory");
  using other = model.createSession({ method: "infllm", cache: { keysOn: "host" } });
  await assertRejects(() => other.append(tokensFrom(1, 20_000)), MemoryBudgetError, "keys and values of");
});
