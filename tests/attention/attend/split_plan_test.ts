import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { planSplit, type SplitTask } from "../../../lib/attention/attend/split_plan.ts";

const TASK: SplitTask = {
  pairs: 4,
  headSize: 64,
  keys: "f16",
  values: "f16",
  pageTokens: 256,
  lists: 8,
  places: 2048,
  workgroupBytes: 32768,
};

Deno.test("eight channels are read at once where a head's halves are whole vectors of eight", () => {
  const parts = (change: Partial<SplitTask>) => planSplit({ ...TASK, ...change }).parts;
  assertEquals(parts({}), ["keys_wide_f16", "values_wide_f16"]);
  assertEquals(parts({ keys: "int8", values: "int8" }), ["keys_wide_int8", "values_wide_int8"]);
  assertEquals(parts({ headSize: 24 }), ["keys_float", "values_float"]);
  assertEquals(parts({ keys: "int8", values: "f32" }), ["keys_wide_int8", "values_float"]);
  // An odd page's words would not be whole pairs.
  assertEquals(parts({ keys: "int8", pageTokens: 33 }), ["keys_int8", "values_wide_f16"]);
});

const tasks = fc.record({
  pairs: fc.integer({ min: 1, max: 16 }),
  headSize: fc.integer({ min: 1, max: 32 }).map((eighths) => 8 * eighths),
  keys: fc.constantFrom("f32" as const, "f16" as const, "int8" as const),
  values: fc.constantFrom("f32" as const, "f16" as const, "int8" as const),
  pageTokens: fc.integer({ min: 1, max: 512 }),
  lists: fc.integer({ min: 1, max: 64 }),
  places: fc.integer({ min: 1, max: 4_000_000 }),
  workgroupBytes: fc.constantFrom(16384, 32768, 49152),
}).filter(({ pairs, headSize, workgroupBytes }) => 12 * pairs * headSize <= workgroupBytes);

Deno.test("a plan's threads and tokens fit each other, whatever the shape", () => {
  fc.assert(
    fc.property(tasks, (task) => {
      const { blockTokens, constants, workgroupBytes } = planSplit(task);
      const { THREADS, SWEEP, LANES, CHUNKS, KEYS, SLICES, VALUES, ITEMS, QUERIES, PLACES, JOIN, JOINS, D8 } =
        constants;
      for (const each of Object.values(constants)) assert(Number.isInteger(each) && each >= 0, `a constant is ${each}`);
      const whole = task.headSize % 16 === 0;
      const wide = whole && (task.keys === "f16" || (task.keys === "int8" && task.pageTokens % 2 === 0)) ? 2 : 1;
      assertEquals(LANES * CHUNKS * wide, D8);
      assertEquals(KEYS * THREADS, SWEEP * LANES);
      assertEquals(blockTokens % SWEEP, 0);
      assertEquals(JOIN * JOINS, task.pairs);
      assert(SLICES >= 1 && VALUES * SLICES >= SWEEP && PLACES * THREADS >= SWEEP);
      assert(ITEMS * THREADS >= task.pairs * SLICES && QUERIES * THREADS >= task.pairs * D8);
      assert(workgroupBytes <= task.workgroupBytes, `${workgroupBytes} bytes`);
    }),
    { seed: 7, numRuns: 2000 },
  );
});

Deno.test("short lists make many workgroups, long ones no more than a GPU runs at once", () => {
  const blocks = (places: number) => Math.ceil(places / planSplit({ ...TASK, places }).blockTokens);
  assertEquals([blocks(1), blocks(512), blocks(2048), blocks(16384), blocks(1_000_000)], [1, 16, 32, 32, 33]);
});

Deno.test("long lists of long heads have workgroups of which three fit the 48 KiB of a processor", () => {
  for (const keys of ["f32", "f16", "int8"] as const) {
    for (const headSize of [72, 96, 128]) {
      for (const pairs of [1, 2, 3, 4]) {
        const task = { ...TASK, headSize, keys, values: keys, pairs, places: 65536 };
        const { workgroupBytes, blockTokens } = planSplit(task);
        assert(3 * workgroupBytes <= 48 * 1024, `${keys} ${headSize} ${pairs}: ${workgroupBytes} bytes`);
        assert(Math.ceil(task.places / blockTokens) * task.lists > 264);
      }
    }
  }
});
