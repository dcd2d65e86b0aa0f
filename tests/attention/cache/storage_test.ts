import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createMethod, KeyValueCache, resolveKnobs, type StorageType } from "../../../lib/attention/mod.ts";
import { vectorBytes } from "../../../lib/attention/cache/storage.ts";
import { dense, quantizeInt8 } from "../../../lib/reference/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { normals, TestLayer } from "../layer.ts";

const sizes = fc.record({
  headSize: fc.constantFrom(2, 6, 16, 20),
  keyValueHeads: fc.constantFrom(1, 3),
  pageTokens: fc.constantFrom(4, 7),
  rows: fc.integer({ min: 1, max: 12 }),
  stored: fc.constantFrom<[StorageType, StorageType]>(["int8", "int8"], ["int8", "f32"], ["f32", "int8"]),
  seed: fc.nat(1e6),
});

gpuTest(
  "int8 storage (stores_keys_int8, stores_values_int8, int8_bytes, cache_append, append_place) quantises as the oracle does, each token and head by itself",
  async (device) => {
    const run = fc.asyncProperty(sizes, async ({ headSize, keyValueHeads, pageTokens, rows, stored, seed }) => {
      const shape = { layers: 1, queryHeads: keyValueHeads, keyValueHeads, headSize };
      const [keyType, valueType] = stored;
      const method = createMethod("full", resolveKnobs({ allowBeyondTrained: true, chunkSize: 16 }), shape);
      using layer = new TestLayer(device, shape, method, { pageTokens, keyType, valueType });
      const count = rows * keyValueHeads * headSize;
      const [keys, values] = [normals(seed, count), normals(seed + 2, count)];
      // A head of zeros has no scale to divide by.
      for (const vectors of [keys, values]) vectors.fill(0, 0, headSize);
      await layer.run({ rows, queries: normals(seed + 1, count), keys, values });
      const [slab] = layer.cache.slabs();
      const padded = 4 * Math.ceil(headSize / 4);
      const bytes = slab.pages * keyValueHeads * pageTokens * (padded + 4);
      for (const [type, vectors, [buffer]] of [[keyType, keys, slab.keys], [valueType, values, slab.values]] as const) {
        if (type !== "int8") continue;
        const expected = quantizeInt8(dense(vectors, [rows * keyValueHeads, headSize]));
        const [data] = await device.readBack.read([{ buffer, offset: 0, bytes }]);
        for (let row = 0; row < rows; row++) {
          const page = layer.cache.sequences[0].pages[Math.floor(row / pageTokens)] - slab.firstPage;
          for (let head = 0; head < keyValueHeads; head++) {
            const start = (page * keyValueHeads + head) * pageTokens * (padded + 4);
            const token = row % pageTokens;
            const [scale] = new Float32Array(data, start + pageTokens * padded + 4 * token, 1);
            const vector = row * keyValueHeads + head;
            // A GPU may divide with an error of 2.5 units in the last place: of what lies on the border, one step.
            assert(Math.abs(scale - expected.scales[vector]) <= 2 ** -21 * expected.scales[vector]);
            const inside = new Int8Array(data, start + token * padded, headSize);
            for (let c = 0; c < headSize; c++) {
              const exact = vectors[vector * headSize + c] / (expected.scales[vector] || 1);
              assert(Math.abs(inside[c] - exact) <= 0.5 + 1e-4, `${inside[c]} for ${exact}`);
            }
          }
        }
      }
    });
    await fc.assert(run, { seed: 51, numRuns: 24 });
  },
);

gpuTest(
  "a page takes what its storage type says (keys_int8, keys_float, values_int8, values_float, stores_keys_float, stores_values_float)",
  (device) => {
    const shape = { layers: 2, queryHeads: 2, keyValueHeads: 2, headSize: 32 };
    const bytes = (keyType: StorageType, valueType: StorageType) => {
      using cache = new KeyValueCache(device, shape, { pageTokens: 16, keyType, valueType });
      return cache.pool.pageBytes;
    };
    assertEquals(
      [bytes("f32", "f32"), bytes("int8", "f32"), bytes("int8", "int8")],
      [8192, 5248, 2304].map((each) => each),
    );
    assertEquals(vectorBytes("int8", 128), 132);
    assertThrows(
      () => bytes("int4" as StorageType, "f32"),
      RangeError,
      'keyType "int4" is none; there are f32, f16, int8',
    );
  },
);
