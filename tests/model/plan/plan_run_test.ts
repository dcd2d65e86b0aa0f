import { assert, assertEquals, assertGreater, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import type { Knobs, MethodName } from "../../../lib/attention/mod.ts";
import { Device, MemoryBudgetError } from "../../../lib/gpu/mod.ts";
import {
  configOfShape,
  DecoderWeights,
  describePlan,
  loadConfig,
  loadModel,
  type Model,
  planRun,
  type ShapeName,
  shapeNames,
} from "../../../lib/model/mod.ts";
import { BlankWeights } from "../../../lib/model/plan/blank_weights.ts";
import { countRun } from "../../../lib/model/plan/count_run.ts";
import { parameterCount } from "../../../lib/model/show_model.ts";
import { gpuTest, gpuTestWith } from "../../gpu_test_device.ts";

const LENGTH = 1500;
const ANSWER = 40;
const knobs: Partial<Knobs> = { allowBeyondTrained: true };

/** What the ledger says after a run, by label, and its peak. */
async function run(model: Model, options: Parameters<Model["createSession"]>[0]) {
  const { memory } = model.decoder.device;
  memory.resetPeak();
  using session = model.createSession(options);
  await session.append(Array.from({ length: LENGTH }, (_, index) => (index * 7919) % 8000));
  await session.generate([8], { maxTokens: ANSWER, stopTokens: [] });
  const kept = memory.figures().filter(({ label, liveBytes }) => {
    return ["weights", "keys", "values"].includes(label) && liveBytes > 0;
  });
  return { peak: memory.peakBytes, kept: kept.map(({ label, liveBytes }) => [label, liveBytes]).sort() };
}

for (
  const [method, options] of [
    ["reattention", {}],
    ["reattention", { trace: true }],
    ["reattention", { cache: { keyType: "f16", valueType: "f32", pageTokens: 64 } }],
    ["reattention", { knobs: { ...knobs, queryCacheLength: 8, recallEvery: 4 } }],
    ["reattention", { cache: { keyType: "f16", valueType: "int8" } }],
    ["reattention-window", { cache: { keyType: "int8", valueType: "int8" } }],
    ["full", { cache: { keyType: "f16", valueType: "f16" } }],
    ["streaming", {}],
    ["quest", {}],
    ["infllm", {}],
    ["infllm", { cache: { keysOn: "host" } }],
    ["h2o", {}],
    ["dual-chunk", {}],
  ] as [MethodName, Parameters<Model["createSession"]>[0]][]
) {
  gpuTest(`countRun counts what a run takes, byte for byte: ${method} ${JSON.stringify(options)}`, async (device) => {
    const asked = { knobs, ...options, method };
    using model = await loadModel("demo", { device });
    const real = await run(model, asked);
    const counted = await countRun(device, model.config, { ...asked, length: LENGTH, answer: ANSWER, weights: "f32" });
    assertEquals(counted.peak, real.peak);
    const kept = counted.resident.filter(({ label }) => ["weights", "keys", "values"].includes(label));
    assertEquals(kept.map(({ label, liveBytes }) => [label, liveBytes]).sort(), real.kept);
  });
}

gpuTest("countRun counts the peak of loading weights in f16", async (device) => {
  device.memory.resetPeak();
  using model = await loadModel("demo", { device, weights: "f16" });
  const peak = device.memory.peakBytes;
  const counted = await countRun(device, model.config, { method: "streaming", length: 8, answer: 1, weights: "f16" });
  assertEquals(counted.loadingPeak, peak);
});

gpuTest("planRun's counting leaves nothing on the device and is right at a million tokens", async (device) => {
  const config = await loadConfig("demo");
  const before = [device.memory.liveBytes, device.memory.idleBytes];
  const plan = await planRun({ device, config, length: 2 ** 20 });
  assertEquals([device.memory.liveBytes, device.memory.idleBytes], before);
  const { keys, values } = plan.tiers[0];
  const exact = 4 * config.layers * config.keyValueHeads * config.headSize * 2 ** 20;
  // Pages for the answer, and buffers' sizes rounded up by an eighth at most.
  for (const bytes of [keys, values]) assert(bytes >= exact && bytes <= 1.13 * exact);
});

gpuTest("planRun puts keys and values outside the GPU in tiers of their own", async (device) => {
  const config = await loadConfig("demo");
  const asked = { device, config, length: 3000, method: "infllm", knobs } as const;
  const pages = 4 * config.layers * config.keyValueHeads * config.headSize * 256 * Math.ceil(3064 / 256);
  const [gpu, host] = (await planRun({ ...asked, cache: { keysOn: "host" } })).tiers;
  assertEquals([gpu.keys, gpu.values, host.tier, host.keys, host.values], [0, 0, "host", pages, pages]);
  const inFile = await planRun({ ...asked, cache: { keysOn: "file", valuesFile: { hotBytes: 1000 } } });
  assertEquals(inFile.tiers.map(({ tier, keys, values }) => [tier, keys, values]).slice(1), [
    ["host", 1000, 1000],
    ["file", pages, pages],
  ]);
  const refused = () => planRun({ ...asked, method: "reattention", cache: { keysOn: "host" } });
  await assertRejects(refused, RangeError, "reattention reads the keys");
});

Deno.test("configOfShape has as many parameters as the models say of themselves", () => {
  // Model cards: 8.03B, 7.25B (Mistral 7B v0.3 with its larger vocabulary), 3.21B, 1.24B.
  const billions: Record<ShapeName, number> = {
    "llama-3.1-8b": 8.03,
    "mistral-7b-v0.3": 7.25,
    "llama-3.2-3b": 3.21,
    "llama-3.2-1b": 1.24,
  };
  for (const name of shapeNames) {
    assertEquals((parameterCount(configOfShape(name)) / 1e9).toFixed(2), billions[name].toFixed(2));
  }
});

Deno.test("planRun offers changes after which a run fits, and they do", async () => {
  using device = await Device.open({ memoryBytes: 2 ** 30 });
  const config = await loadConfig("demo");
  const plan = await planRun({ device, config, length: 2 ** 18, method: "reattention" });
  assert(!plan.fits);
  assertStringIncludes(plan.reasons[0], "of the 1.0 GiB");
  assertGreater(plan.changes.length, 0);
  for (const { total } of plan.changes) assertLess(total, plan.tiers[0].room);
  assert(plan.changes.some(({ change }) => change.startsWith("a context of ")));
  assertStringIncludes(describePlan(plan), "It would fit with:");
});

Deno.test("planRun offers what fits outside the GPU too, where keys and values lie there", async () => {
  using device = await Device.open({ memoryBytes: 2 ** 26 });
  if (!device.info.software) return;
  const config = await loadConfig("demo");
  const asked = { device, config, length: 2 ** 14, method: "infllm", knobs, cache: { keysOn: "host" } } as const;
  const { fits, reasons, changes } = await planRun(asked);
  assert(!fits);
  assertStringIncludes(reasons[0], "keys and values take 65.0 MiB of the");
  // In a file as much of them would stay in memory.
  assertEquals(changes.length, 1);
  const [, shorter] = changes[0].change.match(/^a context of ([\d,]+) tokens$/)!;
  const length = Number(shorter.replace(",", ""));
  assertGreater(length, 2 ** 12);
  assert((await planRun({ ...asked, length })).fits);
});

Deno.test("planRun says which limit of the adapter a run would pass", async () => {
  using device = await Device.open({ bindingBytes: 2 ** 20 });
  const config = await loadConfig("demo");
  const plan = await planRun({ device, config, length: 2 ** 14, method: "rerope", knobs });
  assert(!plan.fits);
  assertStringIncludes(plan.reasons.join(), "this adapter");
  // Full attention takes keys that no binding holds in windows.
  assert((await planRun({ device, config, length: 2 ** 14, method: "full", knobs })).fits);
});

class CountedPieces extends BlankWeights {
  pieces = 0;

  override readRows(...[name, firstRow, rows]: Parameters<BlankWeights["readRows"]>) {
    this.pieces++;
    return super.readRows(name, firstRow, rows);
  }
}

gpuTest("a device that only counts takes the bytes of whole weights, and one piece of each tensor", async (device) => {
  const config = await loadConfig("demo");
  const taken = [];
  for (const other of [device, device.counting()]) {
    const store = new CountedPieces(config);
    other.memory.resetPeak();
    const before = other.memory.peakBytes;
    using _weights = await DecoderWeights.load(other, config, store, { type: "f16" });
    const { liveBytes, peakBytes } = other.memory;
    taken.push({ live: liveBytes - before, peak: peakBytes - before, pieces: store.pieces });
  }
  const [whole, counted] = taken;
  assertEquals([counted.live, counted.peak], [whole.live, whole.peak]);
  assert(counted.pieces < whole.pieces);
});

Deno.test("planRun estimates a time where it is asked to", async () => {
  using device = await Device.open();
  const plan = await planRun({ device, config: await loadConfig("demo"), length: 8192, time: true });
  assertGreater(plan.time!.prefillSeconds, 0);
  assertGreater(plan.time!.tokenSeconds, 0);
  assertEquals(device.memory.liveBytes, 0);
});

gpuTest("planRun refuses lengths that are none", async (device) => {
  const config = configOfShape("llama-3.2-3b");
  await assertRejects(() => planRun({ device, config, length: 0 }), RangeError, "length 0 must be");
  await assertRejects(() => planRun({ device, config, length: 8, answer: 1.5 }), RangeError, "answer 1.5 must be");
});

gpuTestWith(
  { memoryBytes: 2 ** 26 },
  "Session refuses a context past memory before anything is allocated, and says what fits",
  async (device) => {
    using model = await loadModel("demo", { device });
    using session = model.createSession({ method: "reattention-window" });
    await session.append(Array.from({ length: 600 }, (_, index) => index % 100));
    const before = [device.memory.liveBytes, device.memory.figures().find(({ label }) => label === "keys")?.peakBytes];
    const error = await assertRejects(() => session.append(new Array(2 ** 16).fill(7)), MemoryBudgetError);
    assertStringIncludes(error.message, "keys and values of");
    const [, fitting] = /At most (\d+) more tokens fit/.exec(error.message)!;
    assertEquals(
      [device.memory.liveBytes, device.memory.figures().find(({ label }) => label === "keys")?.peakBytes],
      before,
    );
    assertEquals(session.length, 600);
    await session.append(new Array(Math.floor(Number(fitting) / 2)).fill(7));
  },
);
