import { assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  appendRandom,
  type AttentionShape,
  type CacheOptions,
  createMethod,
  KeyValueCache,
  type Knobs,
  type MethodName,
  resolveKnobs,
} from "../../../lib/attention/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { PlatformError } from "../../../lib/platform.ts";
import { gpuTest, gpuTestWith } from "../../gpu_test_device.ts";
import { normals, TestLayer } from "../layer.ts";

interface Case {
  method: MethodName;
  knobs: Partial<Knobs>;
  keyValueHeads: number;
  group: number;
  headSize: number;
  pageTokens: number;
  batch: number;
  /** Steps that each sequence runs on its own before all run together, so that their lengths differ. */
  ahead: number[][];
  /** Tokens of a step, or how many are dropped. */
  steps: number[];
  seed: number;
}

const infLlm = fc.record({
  block: fc.integer({ min: 1, max: 7 }),
  representatives: fc.integer({ min: 1, max: 4 }),
  blocks: fc.integer({ min: 1, max: 4 }),
  local: fc.integer({ min: 1, max: 12 }),
  far: fc.constantFrom("capped", "compact"),
}).map((own) => ({ method: "infllm" as MethodName, knobs: { own } as Partial<Knobs> }));

// What attends and scores nothing; keys are turned by their places in the list, or by their own positions.
const others = fc.record({
  method: fc.constantFrom<MethodName>("full", "streaming", "window", "lm-infinite", "self-extend", "random"),
  positions: fc.constantFrom<Knobs["positions"]>("compact", "original"),
}).map(({ method, positions }) => ({ method, knobs: { positions, spanSize: 2, recallClip: 3 } as Partial<Knobs> }));

const cases: fc.Arbitrary<Case> = fc.tuple(
  fc.oneof({ weight: 3, arbitrary: infLlm }, others),
  fc.record({
    keyValueHeads: fc.constantFrom(1, 2, 3),
    group: fc.constantFrom(1, 2),
    headSize: fc.constantFrom(2, 6, 16),
    pageTokens: fc.constantFrom(1, 5, 32),
    batch: fc.constantFrom(1, 2),
    ahead: fc.array(fc.array(fc.constantFrom(1, 7, 8), { maxLength: 6 }), { minLength: 2, maxLength: 2 }),
    steps: fc.array(fc.constantFrom(1, 1, 2, 7, 8, -3), { minLength: 6, maxLength: 16 }),
    seed: fc.nat(1_000_000),
  }),
).map(([what, about]) => ({ ...what, ...about }));

/** Outputs, bit by bit, and lists of tokens of every step. */
async function outcome(device: Device, input: Case, stored: CacheOptions): Promise<unknown[]> {
  const { keyValueHeads, group, headSize, batch, pageTokens } = input;
  const shape = { layers: 1, queryHeads: group * keyValueHeads, keyValueHeads, headSize, trainedContext: 64 };
  const small = { globalSize: 3, window: 10, chunkSize: 8, allowBeyondTrained: true };
  const method = createMethod(input.method, resolveKnobs({ ...small, ...input.knobs }), shape);
  let seed = input.seed;
  const seen: unknown[] = [];
  const run = async (layer: TestLayer, rows: number) => {
    if (rows < 0) return layer.cache.truncate(layer.cache.lengths.map((length) => Math.max(1, length + rows)));
    const numbers = (heads: number) => normals(seed++, layer.cache.batch * rows * heads * headSize);
    const queries = numbers(shape.queryHeads);
    const output = await layer.run({ rows, queries, keys: numbers(keyValueHeads), values: numbers(keyValueHeads) });
    const { layers: [{ groups }] } = (await layer.readTrace()).at(-1)!;
    seen.push(new Uint32Array(output.slice().buffer), groups.map(({ indices }) => [...indices]));
  };
  using first = new TestLayer(device, shape, method, { pageTokens, ...stored });
  using second = batch > 1 ? new TestLayer(device, shape, method, { cache: first.cache.another() }) : undefined;
  for (const [index, layer] of (second ? [first, second] : [first]).entries()) {
    for (const rows of [3, ...input.ahead[index]]) await run(layer, rows);
  }
  using together = second &&
    new TestLayer(device, shape, method, { cache: KeyValueCache.beside([first.cache, second.cache]) });
  for (const rows of input.steps) await run(together ?? first, rows);
  // A fork shares full pages, wherever they lie.
  using fork = new TestLayer(device, shape, method, { cache: (together ?? first).cache.fork() });
  for (const rows of [1, 5, 1]) await run(fork, rows);
  await run(together ?? first, 1);
  return seen;
}

// From outside, keys and values are gathered before attention; the other way to decode sums in another order.
const gathered = { choices: { "decode attention": "gathered" } };

gpuTestWith(
  gathered,
  "keys in host memory or a file give the same selections and outputs, bit for bit, over random shapes, steps and batches",
  async (device) => {
    const run = fc.asyncProperty(cases, async (input) => {
      const there = await outcome(device, input, {});
      assertEquals(await outcome(device, input, { keysOn: "host" }), there);
      // Room for two blocks of tokens in memory.
      const hotBytes = 2 * 32 * 4 * input.keyValueHeads * 4 * Math.ceil(input.headSize / 4);
      assertEquals(await outcome(device, input, { keysOn: "file", valuesFile: { hotBytes } }), there);
    });
    await fc.assert(run, { seed: 41, numRuns: 14 });
  },
);

const shape: AttentionShape = { layers: 1, queryHeads: 4, keyValueHeads: 2, headSize: 16, trainedContext: 64 };
const knobs = resolveKnobs({
  globalSize: 4,
  chunkSize: 32,
  allowBeyondTrained: true,
  own: { block: 8, blocks: 4, local: 48, representatives: 4 },
});

gpuTest(
  "with keys outside, the GPU's bytes grow by InfLLM's representatives and the page table alone",
  async (device) => {
    using layer = new TestLayer(device, shape, createMethod("infllm", knobs, shape), { keysOn: "host", traced: false });
    const { memory } = device;
    const held = () => new Map(memory.figures().map(({ label, liveBytes }) => [label, liveBytes]));
    const rows = 32;
    const numbers = (heads: number, seed: number) => normals(seed, rows * heads * shape.headSize);
    const read = async (tokens: number) => {
      while (layer.cache.lengths[0] < tokens) {
        const seed = layer.cache.lengths[0];
        await layer.run({
          rows,
          queries: numbers(shape.queryHeads, seed),
          keys: numbers(shape.keyValueHeads, seed + 1),
          values: numbers(shape.keyValueHeads, seed + 2),
        });
      }
      const [sequence] = layer.cache.sequences;
      const kept = sequence.memoryBytes - sequence.recentQueries.bytes;
      return { held: held(), kept, outside: layer.cache.pool.outside };
    };
    const before = held();
    const short = await read(1024);
    memory.resetPeak();
    const shortPeak = (await read(1024 + rows), memory.peakBytes);
    const long = await read(4096);
    memory.resetPeak();
    const longPeak = (await read(4096 + rows), memory.peakBytes);
    for (const { held } of [short, long]) {
      assertEquals([held.get("keys") ?? 0, held.get("values") ?? 0], [
        before.get("keys") ?? 0,
        before.get("values") ?? 0,
      ]);
    }
    const grown = [...long.held].filter(([label, bytes]) => bytes > (short.held.get(label) ?? 0)).map(([label]) =>
      label
    );
    assertEquals(grown.filter((label) => !["kept of blocks", "page table"].includes(label)), []);
    // A vector of every KV head for each block that left the local window.
    const vectors = (tokens: number) => Math.floor((tokens - rows - 48 + 1 - 4) / 8);
    const vectorBytes = 4 * shape.keyValueHeads * shape.headSize;
    assertEquals([short.kept, long.kept], [vectors(1024) * vectorBytes, vectors(4096) * vectorBytes]);
    // Room for them doubles, and buffers' sizes are rounded up by an eighth at most.
    assertLess(long.held.get("kept of blocks")!, 2 * 1.13 * long.kept);
    // Outside lie keys and values of whole pages of 256 tokens.
    assertEquals(long.outside.keys!.memoryBytes, 4096 * vectorBytes + 256 * vectorBytes);
    assertEquals(long.outside.values!.memoryBytes, long.outside.keys!.memoryBytes);
    // A step's scratch grows by scores and marks of blocks, far less than keys would: those of 3,072 tokens take 393,216 bytes.
    assertLess(longPeak - shortPeak, 2 * (long.kept - short.kept) + 3072 * vectorBytes / 8);
  },
);

gpuTest("a method that brings keys says so where its prepare was not awaited", async (device) => {
  const method = createMethod("infllm", knobs, shape);
  const prepares = method.prepare!.bind(method);
  using layer = new TestLayer(device, shape, method, { keysOn: "host" });
  const step = async (rows: number) => {
    const numbers = (heads: number) => normals(rows, rows * heads * shape.headSize);
    await layer.run({ rows, queries: numbers(4), keys: numbers(2), values: numbers(2) });
  };
  for (let done = 0; done < 96; done += 32) await step(32);
  method.prepare = () => Promise.resolve();
  await assertRejects(() => step(32), Error, "infllm: await the method's prepare before its attend");
  method.prepare = prepares;
});

gpuTest("a file that fails while keys are read ends the step, and leaves no buffer alive", async (device) => {
  using layer = new TestLayer(device, shape, createMethod("infllm", knobs, shape), {
    keysOn: "file",
    // Nothing stays in memory.
    valuesFile: { hotBytes: 0 },
    traced: false,
  });
  const step = async () => {
    const numbers = (heads: number) => normals(heads, 32 * heads * shape.headSize);
    await layer.run({ rows: 32, queries: numbers(4), keys: numbers(2), values: numbers(2) });
  };
  for (let done = 0; done < 160; done += 32) await step();
  const keys = layer.cache.pool.outside.keys!;
  const gather = keys.gather.bind(keys);
  for (const call of [1, 2]) {
    let calls = 0;
    keys.gather = (...wanted) => {
      return ++calls === call ? Promise.reject(new PlatformError("cannot read")) : gather(...wanted);
    };
    // First what a block is made of is brought, then what is attended to.
    await assertRejects(step, PlatformError, "cannot read");
    layer.cache.truncate(160);
    const brought = device.memory.figures().filter(({ label }) => /from the host|gathered/.test(label));
    assertEquals(brought.map(({ liveBytes }) => liveBytes), brought.map(() => 0));
  }
  keys.gather = gather;
  await step();
});

gpuTestWith(gathered, "random keys outside are those on the GPU", async (device) => {
  const seen: Uint32Array[] = [];
  for (const stored of [{}, { keysOn: "host" }] as const) {
    using cache = new KeyValueCache(device, shape, stored);
    await appendRandom(cache, 2500);
    using layer = new TestLayer(device, shape, createMethod("full", resolveKnobs({ positions: "original" }), shape), {
      cache,
    });
    const numbers = (heads: number) => normals(heads, 2 * heads * shape.headSize);
    const output = await layer.run({ rows: 2, queries: numbers(4), keys: numbers(2), values: numbers(2) });
    seen.push(new Uint32Array(output.slice().buffer));
  }
  assertEquals(seen[1], seen[0]);
});

gpuTest("keysOn refuses what there isn't, storage that is not kept outside, and values elsewhere", (device) => {
  const open = (options: CacheOptions) => () => new KeyValueCache(device, shape, options);
  const wrongs: [CacheOptions, string][] = [
    [{ keysOn: "disk" as "file" }, 'keysOn "disk" must be "gpu" or "host" or "file"'],
    [{ keysOn: "host", keyType: "int8" }, 'keysOn "host": keys are kept there as f32; leave keyType int8 out'],
    [{ keysOn: "host", valueType: "int8" }, 'valuesOn "host": values are kept there as f32'],
    [
      { keysOn: "host", valuesOn: "file" },
      'keysOn "host": keys lie on the GPU or where values do; make valuesOn "file" "host"',
    ],
    [{ keysOn: "file", valuesOn: "gpu" }, 'make valuesOn "gpu" "file" too, or leave it out'],
    [{ keysOn: "host", valuesFile: {} }, 'valuesFile is for valuesOn "file"; with "host" leave it out'],
  ];
  for (const [options, message] of wrongs) assertThrows(open(options), RangeError, message);
  using cache = new KeyValueCache(device, shape, { keysOn: "host" });
  cache.extend(1);
  const [slab] = cache.slabs();
  assertThrows(() => slab.keys, RangeError, "the keys lie outside the GPU (keysOn)");
  assertEquals([cache.bytes, cache.pool.valuesOn], [0, "host"]);
});
