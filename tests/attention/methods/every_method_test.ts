import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { createMethod, KeyValueCache, type MethodName, methodNames, resolveKnobs } from "../../../lib/attention/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { type LayerInput, normals, TestLayer } from "../layer.ts";

const SHAPE = { layers: 1, queryHeads: 4, keyValueHeads: 2, headSize: 8, trainedContext: 32 };
/** Sizes small enough that within some dozen tokens every method does what is its own. */
const OWN: Partial<Record<MethodName, Record<string, unknown>>> = {
  "self-extend": { neighbors: 7, group: 3 },
  "rerope": { near: 6 },
  "leaky-rerope": { near: 6, leak: 4 },
  "dual-chunk": { chunk: 7, trained: 10 },
  "ntk": { trained: 20 },
  "infllm": { block: 3, representatives: 2, blocks: 2, local: 6 },
  "quest": { page: 3, pages: 3, full: 0 },
  "quest-compact": { page: 3, pages: 3 },
  "h2o": { heavy: 6, recent: 5 },
  "h2o-compact": { heavy: 6, recent: 5 },
  "snapkv": { capacity: 11, observed: 4 },
  "snapkv-compact": { capacity: 11, observed: 4 },
  "token-select": { tokens: 5 },
  "long-heads": { chunk: 3, picked: 2 },
  "oracle": { spans: [[5, 9], [15, 16]] },
};
// Decoding runs attention in another kernel than prefill on some adapters, and a batch in one call: only sums differ.
const CLOSE = { absolute: 2e-5, relative: 0 };

function methodOf(name: MethodName) {
  const sizes = { globalSize: 3, window: 9, k: 2, chunkSize: 8, spanSize: 2, recallClip: 3, allowBeyondTrained: true };
  return createMethod(name, resolveKnobs({ ...sizes, own: OWN[name] }), SHAPE);
}

function inputOf(seed: number, rows: number): LayerInput {
  const numbers = (heads: number, part: number) => normals(100 * seed + part, rows * heads * 8);
  return { rows, queries: numbers(4, 1), keys: numbers(2, 2), values: numbers(2, 3) };
}

async function read(layer: TestLayer, seed: number, steps: readonly number[]): Promise<Float32Array[]> {
  const outputs: Float32Array[] = [];
  for (const [step, rows] of steps.entries()) outputs.push(await layer.run(inputOf(seed + step, rows)));
  return outputs;
}

const CONTEXT = [6, 8, 8, 7, 8, 1, 1];
const ANSWER = [1, 1, 5, 1, 1];

/** Runs a test once for each method. */
function forEach(what: string, run: (device: Device, name: MethodName) => Promise<void>): void {
  for (const name of methodNames) gpuTest(`${name}: ${what}`, (device) => run(device, name));
}

forEach("forks go their own way, and dropped tokens leave no trace", async (device, name) => {
  using layer = new TestLayer(device, SHAPE, methodOf(name), { pageTokens: 4 });
  await read(layer, 1, CONTEXT);
  using fork = new TestLayer(device, SHAPE, methodOf(name), { cache: layer.cache.fork() });
  const expected = await read(layer, 50, ANSWER);
  // The fork writes something else, drops it, and then writes the same.
  const { lengths: [length] } = fork.cache;
  await read(fork, 90, [1, 1, 1]);
  fork.cache.truncate(length);
  assertEquals(await read(fork, 50, ANSWER), expected);
});

forEach("a batch of contexts of two lengths is each of them alone", async (device, name) => {
  // Its positions depend on the length, so it refuses.
  if (name === "ntk") return;
  const method = methodOf(name);
  using first = new TestLayer(device, SHAPE, method, { pageTokens: 4 });
  using second = new TestLayer(device, SHAPE, method, { cache: first.cache.another() });
  await read(first, 1, CONTEXT);
  await read(second, 200, [6, 8, 8, 5]);
  const singles = [first, second].map((layer) => new TestLayer(device, SHAPE, method, { cache: layer.cache.fork() }));
  using together = new TestLayer(device, SHAPE, method, { cache: KeyValueCache.beside([first.cache, second.cache]) });
  for (const [step, rows] of ANSWER.entries()) {
    const inputs = [inputOf(300 + step, rows), inputOf(400 + step, rows)];
    const joined = (part: "queries" | "keys" | "values") =>
      Float32Array.from(inputs.flatMap((input) => [...input[part]]));
    const output = await together.run({
      rows,
      queries: joined("queries"),
      keys: joined("keys"),
      values: joined("values"),
    });
    for (const [index, single] of singles.entries()) {
      const expected = await single.run(inputs[index]);
      const found = output.slice(index * expected.length, (index + 1) * expected.length);
      assertClose(found, expected, { ...CLOSE, label: `step ${step}, sequence ${index}` });
    }
  }
  for (const single of singles) single[Symbol.dispose]();
});

forEach("attends to no more than its scope bound says, and to its step's own tokens", async (device, name) => {
  const method = methodOf(name);
  using layer = new TestLayer(device, SHAPE, method, { pageTokens: 4 });
  for (const [step, rows] of [...CONTEXT, ...ANSWER].entries()) {
    await layer.run(inputOf(step, rows), undefined, 38);
    const { length, layers: [{ groups }] } = (await layer.readTrace()).at(-1)!;
    const phase = rows === 1 ? "decode" : "prefill";
    const bound = method.scopeBound({ length, rows, phase, first: step === 0, questionStart: 38 });
    for (const { indices } of groups) {
      assert(indices.length <= bound, `step ${step}: ${indices.length} of at most ${bound} tokens`);
      assertEquals([...indices.slice(-rows)], Array.from({ length: rows }, (_, row) => length - rows + row));
    }
    assert(await layer.scope() >= Math.max(...groups.map(({ indices }) => indices.length)));
  }
});

gpuTest("no two methods do the same", async (device) => {
  const results: [MethodName, Float32Array][] = [];
  for (const name of methodNames) {
    using layer = new TestLayer(device, SHAPE, methodOf(name), { pageTokens: 4 });
    const outputs = await read(layer, 1, [...CONTEXT, ...ANSWER]);
    results.push([name, Float32Array.from(outputs.flatMap((output) => [...output]))]);
  }
  for (const [place, [name, output]] of results.entries()) {
    for (const [other, found] of results.slice(0, place)) {
      assertEquals(found.length, output.length);
      const apart = output.reduce((most, value, index) => Math.max(most, Math.abs(value - found[index])), 0);
      assert(apart > 0.01, `${name} and ${other} differ by ${apart} at most`);
      assertNotEquals(name, other);
    }
  }
});

gpuTest("ntk refuses contexts of different lengths side by side", async (device) => {
  const method = methodOf("ntk");
  using first = new TestLayer(device, SHAPE, method, { pageTokens: 4 });
  using second = new TestLayer(device, SHAPE, method, { cache: first.cache.another() });
  await read(first, 1, [8, 8, 8]);
  await read(second, 1, [8, 8]);
  using together = new TestLayer(device, SHAPE, method, { cache: KeyValueCache.beside([first.cache, second.cache]) });
  const input = inputOf(1, 2);
  const run = together.run({ ...input, rows: 1 });
  await assertRejects(() => run, RangeError, "contexts of 25, 17 tokens stretch positions differently");
});
