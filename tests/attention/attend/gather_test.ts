import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { foldGrid, gather } from "../../../lib/attention/attend/gather.ts";
import { planGather } from "../../../lib/attention/attend/gather_plan.ts";
import {
  appendRandom,
  AttentionStep,
  createMethod,
  KeyValueCache,
  resolveKnobs,
  rotaryFrequencies,
  rotaryTable,
  RotationTable,
  type StorageType,
} from "../../../lib/attention/mod.ts";
import type { Device, PooledBuffer } from "../../../lib/gpu/mod.ts";
import { halvesToFloats } from "../../../lib/tensor/half.ts";
import { Tensor } from "../../../lib/tensor/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { normals } from "../layer.ts";

// Tokens that are listed, of sequences that are no longer than this.
const BOUND = 40;
const LONGEST = 90;
const UNTOUCHED = 7;

const cases = fc.record({
  lengths: fc.array(fc.integer({ min: 4, max: LONGEST }), { minLength: 1, maxLength: 3 }),
  heads: fc.constantFrom(1, 2, 3),
  // Halves of vectors of eight, of four, and of neither.
  size: fc.constantFrom(2, 6, 8, 12, 16, 24, 32, 40, 64, 128, 192, 256),
  pageTokens: fc.constantFrom(7, 16),
  stored: fc.tuple(
    fc.constantFrom<StorageType>("f32", "f16", "int8"),
    fc.constantFrom<StorageType>("f32", "f16", "int8"),
  ),
  each: fc.boolean(),
  positions: fc.constantFrom("compact" as const, "original" as const, "none" as const),
  firstAngle: fc.constantFrom(0, 64),
  brought: fc.boolean(),
  seed: fc.nat(1e6),
});

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

gpuTest(
  "gathered keys and values (gather_vectors, gather_rotate) are what the pages hold, turned as the oracle turns them",
  async (device) => {
    await fc.assert(
      fc.asyncProperty(cases, async (each) => {
        if (!device.info.f16 && each.stored.includes("f16")) return;
        // Keys come from outside the GPU as f32.
        await check(device, each.brought ? { ...each, stored: ["f32", each.stored[1]] } : each);
      }),
      { numRuns: 40, seed: 21, endOnFailure: true },
    );
  },
);

gpuTest("a thread takes a head of a token on a software adapter, and of a GPU what is read at once", () => {
  const task = { pageTokens: 256, keys: "f16", values: "f32" } as const;
  const lanes = (headSize: number, software: boolean) => planGather({ ...task, headSize, software }).lanes;
  assertEquals([lanes(64, true), lanes(64, false)], [1, 4]);
  assertEquals([lanes(256, true), lanes(256, false)], [4, 16]);
  assertEquals([lanes(24, true), lanes(24, false)], [1, 3]);
  // Halves of six channels are no whole vectors.
  assertEquals([lanes(12, true), lanes(12, false)], [6, 6]);
  for (let headSize = 8; headSize <= 256; headSize += 8) {
    for (const software of [true, false]) {
      const { UNIT, EACH } = planGather({ ...task, headSize, software }).variant.constants!;
      assertEquals(8 * UNIT * EACH * lanes(headSize, software), headSize);
    }
  }
});

async function check(device: Device, each: Case): Promise<void> {
  const { lengths, heads, size, pageTokens, stored: [keyType, valueType], positions, firstAngle, seed } = each;
  const shape = { layers: 1, queryHeads: heads, keyValueHeads: heads, headSize: size };
  using first = new KeyValueCache(device, shape, { pageTokens, keyType, valueType });
  const caches = [first, ...lengths.slice(1).map(() => first.another())];
  // In turns, so that a sequence's pages lie in several slabs.
  for (const part of [0, 1]) {
    for (const [sequence, cache] of caches.entries()) {
      await appendRandom(cache, part ? lengths[sequence] - cache.lengths[0] : lengths[sequence] >> 1, seed + sequence);
    }
  }
  using cache = KeyValueCache.beside(caches);
  using rotation = new RotationTable(device, rotaryFrequencies(size, { base: 10_000 }));
  using scope = Tensor.zeros(device, [1], "u32");
  const context = { method: createMethod("full", resolveKnobs({}), shape), cache, rotation, scope };
  using step = new AttentionStep(context, 1, { phase: "decode", first: false });

  const selections = each.each ? heads : 1;
  const { counts, tokens } = randomLists(lengths, selections, seed);
  using indexTensor = Tensor.from(device, tokens, [lengths.length, selections, BOUND]);
  using countTensor = Tensor.from(device, counts, [lengths.length, selections]);
  using grid = foldGrid(step, countTensor);
  const padded = 4 * Math.ceil(size / 4);
  const target = [lengths.length, heads, BOUND, padded];
  const filled = () =>
    Tensor.from(device, new Float32Array(lengths.length * heads * BOUND * padded).fill(UNTOUCHED), target);
  using keys = filled();
  using values = filled();
  const broughtKeys = zeroPadded(normals(seed, keys.size), size, padded);
  using brought = each.brought ? Tensor.from(device, broughtKeys, target) : undefined;
  const attended = { indices: indexTensor, counts: countTensor, grid, selections, bound: BOUND };
  const table = rotation.upTo(firstAngle + LONGEST);
  gather(step, 0, attended, { keys, values, rotation: table, firstAngle, positions, ...(brought && { brought }) });

  const stored = brought ? undefined : await storedVectors(device, cache, keyType, valueType);
  const { cos, sin } = rotaryTable(rotaryFrequencies(size, { base: 10_000 }), 0, firstAngle + LONGEST);
  const expectedKeys = new Float32Array(keys.size).fill(UNTOUCHED);
  const expectedValues = new Float32Array(values.size).fill(UNTOUCHED);
  for (let sequence = 0; sequence < lengths.length; sequence++) {
    for (let head = 0; head < heads; head++) {
      const selection = sequence * selections + (each.each ? head : 0);
      for (let place = 0; place < counts[selection]; place++) {
        const token = tokens[selection * BOUND + place];
        const row = ((sequence * heads + head) * BOUND + place) * padded;
        const found = stored
          ? stored(sequence, head, token)
          : { key: broughtKeys.subarray(row, row + size), value: broughtKeys.subarray(row, row + size) };
        const position = positions === "none" ? undefined : firstAngle + (positions === "compact" ? place : token);
        expectedKeys.fill(0, row, row + padded).set(turned(found.key, position, cos, sin), row);
        expectedValues.fill(0, row, row + padded).set(found.value, row);
      }
    }
  }
  // Keys are at most about 2: a GPU may fuse a product with the sum and so round once less.
  const close = device.info.software ? 0 : 2 ** -21;
  assertClose(await keys.read() as Float32Array, expectedKeys, { absolute: close, label: "keys" });
  // Values that came with keys from outside are nowhere read.
  if (!brought) assertEquals(await values.read(), expectedValues);
  for (const other of caches.slice(1)) other[Symbol.dispose]();
}

/** Lists of any tokens, in any order. */
function randomLists(lengths: readonly number[], selections: number, seed: number) {
  const counts = new Uint32Array(lengths.length * selections);
  const tokens = new Uint32Array(counts.length * BOUND);
  const random = normals(seed + 9, tokens.length);
  for (let list = 0; list < counts.length; list++) {
    const length = lengths[Math.floor(list / selections)];
    counts[list] = Math.floor(Math.abs(random[list * BOUND]) * 1e4) % (BOUND + 1);
    for (let place = 0; place < BOUND; place++) {
      tokens[list * BOUND + place] = Math.floor(Math.abs(random[list * BOUND + place]) * 1e6) % length;
    }
  }
  return { counts, tokens };
}

/** What the cache's pages hold, read to the host and made floats there. */
async function storedVectors(device: Device, cache: KeyValueCache, keyType: StorageType, valueType: StorageType) {
  const { keyValueHeads: heads, headSize } = cache.shape;
  const { pageTokens } = cache.pool;
  const slabs = await Promise.all(
    cache.slabs().map(async ({ firstPage, pages, keys, values }) => {
      const read = async (type: StorageType, [buffer]: readonly PooledBuffer[]) => {
        const [data] = await device.readBack.read([{ buffer, offset: 0, bytes: buffer.bytes }]);
        return (slot: number) => vectorAt(data, type, slot, pageTokens, headSize);
      };
      return { firstPage, pages, key: await read(keyType, keys), value: await read(valueType, values) };
    }),
  );
  return (sequence: number, head: number, token: number) => {
    const page = cache.sequences[sequence].pages[Math.floor(token / pageTokens)];
    const slab = slabs.find(({ firstPage, pages }) => page >= firstPage && page < firstPage + pages)!;
    const slot = ((page - slab.firstPage) * heads + head) * pageTokens + token % pageTokens;
    return { key: slab.key(slot), value: slab.value(slot) };
  };
}

function vectorAt(data: ArrayBuffer, type: StorageType, slot: number, pageTokens: number, size: number): Float32Array {
  const padded = 4 * Math.ceil(size / 4);
  if (type === "f32") return new Float32Array(data, 4 * slot * padded, size);
  if (type === "f16") return halvesToFloats(new Uint16Array(data, 2 * slot * padded, size));
  const page = Math.floor(slot / pageTokens) * pageTokens * (padded + 4);
  const [scale] = new Float32Array(data, page + pageTokens * padded + 4 * (slot % pageTokens), 1);
  return Float32Array.from(new Int8Array(data, page + slot % pageTokens * padded, size), (whole) => whole * scale);
}

function turned(x: Float32Array, position: number | undefined, cos: Float32Array, sin: Float32Array): Float32Array {
  const pairs = x.length / 2;
  const y = new Float32Array(x);
  if (position === undefined) return y;
  const { fround } = Math;
  for (let c = 0; c < pairs; c++) {
    const [cosine, sine] = [cos[position * pairs + c], sin[position * pairs + c]];
    y[c] = fround(x[c] * cosine) - fround(x[c + pairs] * sine);
    y[c + pairs] = fround(x[c + pairs] * cosine) + fround(x[c] * sine);
  }
  return y;
}

function zeroPadded(rows: Float32Array<ArrayBuffer>, size: number, padded: number): Float32Array<ArrayBuffer> {
  return rows.map((value, index) => index % padded < size ? value : 0);
}
