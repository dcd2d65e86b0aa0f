import { assert, assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import { dealTrials, parseSweepSpec, planSweep, prefillKeyOf } from "../../../lib/evaluation/mod.ts";

async function trialsOf(spec: Parameters<typeof parseSweepSpec>[0]) {
  return (await planSweep(parseSweepSpec(spec))).trials;
}

Deno.test("dealTrials deals every trial once, to no more tasks than were wanted, in the sweep's order inside a task", async () => {
  const trials = await trialsOf({
    methods: ["reattention-window", "full"],
    lengths: [512, 2048],
    sweep: { k: [1, 2, 4] },
    seeds: "0..4",
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: trials.length }), fc.integer({ min: 1, max: 80 }), (count, tasks) => {
      const some = trials.slice(0, count);
      const dealt = dealTrials(some, tasks);
      assert(dealt.length <= tasks);
      for (const places of dealt) {
        assert(places.length > 0);
        assertEquals(places, [...places].sort((a, b) => a - b));
      }
      assertEquals(dealt.flat().sort((a, b) => a - b), some.map((_, place) => place));
    }),
  );
});

Deno.test("dealTrials keeps trials of one reading together, and splits a reading that is more than a fair share", async () => {
  const trials = await trialsOf({ methods: ["reattention-window"], sweep: { k: [1, 2, 4, 8] }, seeds: "0..7" });
  const dealt = dealTrials(trials, 4);
  assertEquals(dealt.map((places) => places.length), [8, 8, 8, 8]);
  for (const places of dealt) assertEquals(new Set(places.map((place) => prefillKeyOf(trials[place]))).size, 2);
  const one = await trialsOf({ methods: ["reattention-window"], sweep: { k: [1, 2, 4, 8] }, seeds: [3] });
  assertEquals(new Set(one.map(prefillKeyOf)).size, 1);
  assertEquals(dealTrials(one, 2).map((places) => places.length), [2, 2]);
});

Deno.test("dealTrials balances short and long contexts", async () => {
  const trials = await trialsOf({ lengths: [512, 1024, 32768], sweep: { k: [1, 2, 4] }, seeds: "0..7" });
  const costs = dealTrials(trials, 6).map((places) => places.reduce((sum, place) => sum + trials[place].length, 0));
  assertLess(Math.max(...costs) / Math.min(...costs), 1.1);
});

Deno.test("dealTrials gives no task two models where there are tasks enough, and no more tasks than were wanted", async () => {
  const trials = await trialsOf({ models: ["a", "b", "c"], sweep: { k: [1, 2, 4] }, seeds: "0..3" });
  for (const tasks of [3, 4, 7, 12]) {
    const dealt = dealTrials(trials, tasks);
    assert(dealt.length <= tasks);
    assertEquals(dealt.flat().sort((a, b) => a - b), trials.map((_, place) => place));
    for (const places of dealt) assertEquals(new Set(places.map((place) => trials[place].model)).size, 1);
  }
  assertEquals(dealTrials(trials, 2).length, 2);
});
