import { assertEquals, assertMatch } from "@std/assert";
import { duration, SweepProgress } from "../../../experiments/ablate/sweep_progress.ts";
import { parseSweepSpec, planSweep } from "../../../lib/evaluation/mod.ts";
import { fakeRecord } from "../../evaluation/sweep/fake_bench.ts";

Deno.test("SweepProgress tells trials done, rate, time left, the best so far and the trial at hand", async () => {
  const { trials } = await planSweep(parseSweepSpec({ sweep: { k: [1, 4] }, seeds: "0..4" }));
  const records = trials.map((trial) => fakeRecord({ trial, prefill: "" }, trial.knobs.k === 4 ? 0.8 : 0.4));
  let now = 0;
  const told: [number, string, string][] = [];
  const progress = new SweepProgress({ update: (...given) => told.push(given) }, {
    name: "k",
    total: 10,
    earlier: records.slice(0, 2),
    now: () => now,
  });
  progress.update(trials[2], 0.5, "reading");
  assertEquals(told[0], [0.25, "k", "2 of 10, best 0.80 (k 4); k 1, seed 1, reading"]);
  now = 60_000;
  progress.ended(records[2]);
  progress.ended(records[3]);
  progress.update(trials[4], 0, "asking");
  assertEquals(told[1], [0.4, "k", "4 of 10, 2.0/min, 3 min left, best 0.80 (k 4); k 1, seed 2, asking"]);
  progress.ended(fakeRecord({ trial: trials[4], prefill: "" }, 0, "Error: no"));
  assertMatch(progress.summary(), /1 failed$/);
  progress.update(undefined, 0, "waiting", 9);
  assertEquals(told[2][0], 0.9);
  assertMatch(told[2][2], /waiting for trials of other processes$/);
});

Deno.test("duration is told in words", () => {
  assertEquals([4, 89, 91, 5000, 9000].map(duration), ["4 s", "89 s", "2 min", "83 min", "2.5 h"]);
});
