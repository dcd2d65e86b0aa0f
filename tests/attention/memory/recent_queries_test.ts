import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { RecentQueries } from "../../../lib/attention/memory/recent_queries.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { Tensor } from "../../../lib/tensor/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";

/** Rows that count up, so that each is known by its number. */
function rowsFrom(device: Device, first: number, count: number): Tensor {
  return Tensor.from(device, Float32Array.from({ length: 2 * count }, (_, i) => first + (i >> 1)), [1, count, 1, 2]);
}

async function numbers(recent: RecentQueries, count: number): Promise<number[]> {
  using rows = recent.last(0, count);
  return [...await rows.read()].filter((_, i) => i % 2 === 0);
}

gpuTest("RecentQueries has the last rows of what is still cached, over random steps and drops", async (device) => {
  const steps = fc.array(fc.record({ rows: fc.integer({ min: 1, max: 9 }), drop: fc.nat(12) }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 2, max: 6 }), async (steps, count) => {
      using recent = new RecentQueries();
      let cached: number[] = [];
      let next = 0;
      for (const { rows, drop } of steps) {
        cached = cached.slice(0, Math.max(0, cached.length - drop));
        using queries = rowsFrom(device, next, rows);
        cached.push(...Array.from({ length: rows }, () => next++));
        recent.add(0, queries, cached.length, count);
        assertEquals(await numbers(recent, count), cached.slice(-count));
      }
    }),
    { seed: 5, numRuns: 15 },
  );
});

gpuTest("RecentQueries's fork goes its own way", async (device) => {
  using recent = new RecentQueries();
  using first = rowsFrom(device, 0, 3);
  recent.add(0, first, 3, 4);
  using fork = recent.fork();
  using second = rowsFrom(device, 10, 1);
  fork.add(0, second, 4, 4);
  assertEquals(await numbers(recent, 4), [0, 1, 2]);
  assertEquals(await numbers(fork, 4), [0, 1, 2, 10]);
  assertThrows(() => recent.last(1, 2), RangeError, "layer 1 has seen none");
});
