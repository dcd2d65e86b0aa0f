import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  appendRandom,
  createMethod,
  KeyValueCache,
  resolveKnobs,
  rotaryFrequencies,
  rotaryTable,
  RotationTable,
} from "../../../lib/attention/mod.ts";
import { Device } from "../../../lib/gpu/mod.ts";
import { attentionTiles } from "../../../lib/tensor/attention_tiles.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest, gpuTestWith } from "../../gpu_test_device.ts";
import { normals, TestLayer } from "../layer.ts";

const KNOBS = resolveKnobs({ globalSize: 8, window: 64, chunkSize: 64, k: 2, spanSize: 8, recallClip: 6 });
// Sums in another order. Outputs are weighted means of numbers of size 2 or less, scores sums of up to 64 products: 2e-5 is some tens
// of roundings of them.
const CLOSE = { absolute: 2e-5 };

const attending: ReadonlySet<string> = new Set(attentionTiles.map(({ kernel }) => kernel));

interface Case {
  lengths: readonly number[];
  rows: number;
  heads: number;
  share: number;
  size: number;
  pageTokens: number;
}

/** The step's output, the kernels that it took, and in how many windows keys were attended to. */
async function attend(device: Device, each: Case, windowPositions: number) {
  const { lengths, rows, heads, share, size, pageTokens } = each;
  const shape = { layers: 1, queryHeads: heads * share, keyValueHeads: heads, headSize: size };
  using first = new KeyValueCache(device, shape, { pageTokens });
  const caches = [first, ...lengths.slice(1).map(() => first.another())];
  // In turns, so that a sequence's pages lie in several slabs.
  for (const part of [0, 1]) {
    for (const [sequence, cache] of caches.entries()) {
      await appendRandom(cache, part ? lengths[sequence] - cache.lengths[0] : lengths[sequence] >> 1, 3 + sequence);
    }
  }
  const cache = KeyValueCache.beside(caches);
  const kernels = new Set<string>();
  let windows = 0;
  const { commands } = device;
  commands.dispatch = (call) => {
    kernels.add(call.kernel);
    windows += Number(attending.has(call.kernel));
    Object.getPrototypeOf(commands).dispatch.call(commands, call);
  };
  try {
    using layer = new TestLayer(device, shape, createMethod("full", KNOBS, shape), { cache, windowPositions });
    const numbers = (seed: number, heads: number) => normals(seed, lengths.length * rows * heads * size);
    const input = { rows, queries: numbers(1, heads * share), keys: numbers(2, heads), values: numbers(3, heads) };
    return { output: await layer.run(input, "decode"), kernels, windows };
  } finally {
    // deno-lint-ignore no-explicit-any
    delete (commands as any).dispatch;
    for (const each of caches.slice(1)) each[Symbol.dispose]();
  }
}

const cases = fc.record({
  lengths: fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 3 }),
  rows: fc.constantFrom(1, 2, 40, 130),
  heads: fc.constantFrom(1, 2),
  share: fc.constantFrom(1, 2, 4),
  size: fc.constantFrom(8, 24, 64),
  pageTokens: fc.constantFrom(32, 100),
});

for (const choice of ["gathered", "split"]) {
  gpuTest(`attention in windows equals attention in one piece, ${choice}, sequences of any lengths`, async (device) => {
    device.choices.pick("decode attention", choice);
    try {
      let inWindows = 0;
      await fc.assert(
        fc.asyncProperty(cases, async (each) => {
          const whole = await attend(device, each, 2 ** 17);
          const parts = await attend(device, each, 128);
          assertClose(parts.output, whole.output, CLOSE);
          const longer = Math.max(...each.lengths) + each.rows > 128;
          const split = choice === "split" && each.rows * each.share <= 16;
          assertEquals(parts.kernels.has("attention_split"), split);
          if (split || longer) assert(parts.kernels.has("attention_combine"));
          if (device.info.software) {
            // Windows come from buffers, what is gathered in one piece is copied to images.
            assertEquals(parts.kernels.has("causal_attention_image"), !split && !longer);
            assertEquals(whole.kernels.has("causal_attention_image"), !split);
          } else {
            // Only parts are combined.
            assertEquals(parts.kernels.has("attention_combine"), split || longer);
          }
          inWindows += Number(longer);
        }),
        { numRuns: 12, seed: 9, endOnFailure: true },
      );
      assert(inWindows > 6);
    } finally {
      device.choices.pick("decode attention", undefined);
    }
  });
}

// A token of two sequences, two heads and 64 channels takes 1,024 bytes once gathered: windows of 512 tokens, half of the table's.
gpuTestWith({ bindingBytes: 2 ** 19 }, "what one binding does not hold is gathered in windows", async (device) => {
  const each = { lengths: [2000, 1500], rows: 20, heads: 2, share: 2, size: 64, pageTokens: 64 };
  const parts = await attend(device, each, 1024);
  using wide = await Device.open();
  const whole = await attend(wide, each, 2 ** 17);
  assertClose(parts.output, whole.output, CLOSE);
  assert(parts.kernels.has("attention_combine"));
  if (!device.info.software) return assert(!whole.kernels.has("attention_combine"));
  assert(!parts.kernels.has("causal_attention_image") && whole.kernels.has("causal_attention_image"));
});

// Keys and values of a token take 1,024 bytes together once gathered: one of the table's windows as much as is kept for reuse.
gpuTestWith({ idleBytes: 2 ** 20 }, "a chunk whose context comes in windows makes no buffer anew", async (device) => {
  const shape = { layers: 1, queryHeads: 4, keyValueHeads: 2, headSize: 64 };
  const length = 5000;
  using cache = new KeyValueCache(device, shape);
  await appendRandom(cache, length);
  using layer = new TestLayer(device, shape, createMethod("full", KNOBS, shape), {
    ...{ cache, windowPositions: 1024, traced: false },
  });
  const numbers = (seed: number, heads: number) => normals(seed, 9 * heads * 64);
  const input = { rows: 9, queries: numbers(1, 4), keys: numbers(2, 2), values: numbers(3, 2) };
  const outputs = [];
  const created = [];
  for (let chunk = 0; chunk < 3; chunk++) {
    outputs.push(await layer.run(input, "prefill"));
    created.push(device.buffers.created);
    cache.truncate(length);
  }
  assertEquals(created, [created[0], created[0], created[0]], "buffers made by the first chunk, and none after it");
  using wide = await Device.open();
  using whole = new KeyValueCache(wide, shape);
  await appendRandom(whole, length);
  using other = new TestLayer(wide, shape, createMethod("full", KNOBS, shape), { cache: whole, traced: false });
  const expected = await other.run(input, "prefill");
  for (const output of outputs) assertClose(output, expected, CLOSE);
});

// Nine rows of four heads leave 9.6 KiB a window: of 256 KiB room for all 20 of 256 tokens; 64 rows for 3, longer than the table's.
gpuTestWith(
  { idleBytes: 2 ** 20 },
  "windows are longer where their sums would take more than they spare",
  async (device) => {
    const each = { lengths: [5000], heads: 2, share: 2, size: 64, pageTokens: 64 };
    const [few, many] = [
      await attend(device, { ...each, rows: 9 }, 1024),
      await attend(device, { ...each, rows: 64 }, 1024),
    ];
    assertEquals([few.windows, many.windows], [20, 5]);
  },
);

gpuTest("windows of the rotary table hold the positions' angles, and are made once", async (device) => {
  const frequencies = rotaryFrequencies(16, { base: 500_000 });
  using table = new RotationTable(device, frequencies, 128);
  const check = async (tensor: { read(): Promise<ArrayLike<number>> }, starts: readonly number[], count: number) => {
    const expected = starts.flatMap((start) => {
      const { cos, sin } = rotaryTable(frequencies, start, count);
      return [...cos].flatMap((value, index) => [value, sin[index]]);
    });
    assertEquals(Array.from(await tensor.read()), expected);
  };
  await check(table.window(1000), [128_000], 128);
  await check(table.at([5, 4_194_304], 3), [5, 4_194_304], 3);
  assertEquals(table.window(1000), table.window(1000));
  // One table grows by windows, and keeps what it has.
  assertEquals(table.upTo(100).shape, [512, 8, 2]);
  assertEquals(table.upTo(1000).shape, [1024, 8, 2]);
  await check(table.upTo(1000), [0], 1024);
  assertThrows(
    () => new RotationTable(device, frequencies, 100),
    RangeError,
    "windowPositions 100 must be a power of two",
  );
});

gpuTest("reattention's angles reach no farther than its scope, however long the context", async (device) => {
  const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
  using cache = new KeyValueCache(device, shape);
  await appendRandom(cache, 50_000);
  device.memory.resetPeak();
  using layer = new TestLayer(device, shape, createMethod("reattention", KNOBS, shape), { cache });
  const numbers = (seed: number, heads: number) => normals(seed, 64 * heads * 8);
  await layer.run({ rows: 64, queries: numbers(1, 2), keys: numbers(2, 1), values: numbers(3, 1) }, "prefill");
  const table = device.memory.figures().find(({ label }) => label === "rotary table")!;
  assertEquals(table.peakBytes, 512 * 4 * 8, "512 positions, four pairs of a cosine and a sine");
});
