import { assertAlmostEquals, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  parseSweepSpec,
  planSweep,
  summarizeSweep,
  type SweepSpecInput,
  type Trial,
} from "../../../lib/evaluation/mod.ts";
import { fakeRecord } from "./fake_bench.ts";

async function summaryOf(input: SweepSpecInput, score: (trial: Trial) => number | string) {
  const spec = parseSweepSpec(input);
  const { trials } = await planSweep(spec);
  const records = trials.map((trial) => {
    const came = score(trial);
    return typeof came === "string"
      ? fakeRecord({ trial, prefill: "" }, 0, came)
      : fakeRecord({ trial, prefill: "" }, came);
  });
  return summarizeSweep(spec, records);
}

const sweep = { sweep: { k: [1, 4, 8] }, seeds: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] };

Deno.test("summarizeSweep compares each setting with the preset's on the same contexts", async () => {
  const { settings, comparisons, uninformative } = await summaryOf(sweep, ({ knobs, seed }) => {
    const base = seed % 2 ? 0.5 : 0.75;
    return knobs.k === 8 ? base - 0.5 : base;
  });
  assertEquals(settings.map(({ score }) => score), [0.625, 0.625, 0.125]);
  assertEquals(comparisons.map(({ setting, baseline }) => [setting.axes.k, baseline.axes.k]), [[1, 4], [8, 4]]);
  const [same, worse] = comparisons;
  assertEquals([same.difference, same.p, same.corrected], [0, 1, 1]);
  assertEquals([worse.difference, worse.pairs], [-0.5, 10]);
  assertAlmostEquals(worse.p, 2 / 1024, 1e-12);
  assertAlmostEquals(worse.corrected, 4 / 1024, 1e-12);
  assertEquals(uninformative, undefined);
});

Deno.test("summarizeSweep takes the exact interval, over contexts, where all answers agree", async () => {
  const { settings } = await summaryOf(sweep, ({ knobs }) => knobs.k === 1 ? 0 : knobs.k === 4 ? 1 : 0.5);
  assertEquals(settings.map(({ intervalBy }) => intervalBy), [
    "exact over contexts",
    "exact over contexts",
    "bootstrap over contexts",
  ]);
  const bound = 0.025 ** (1 / 10);
  assertEquals(settings.slice(0, 2).map(({ interval }) => interval), [{ low: 0, high: 1 - bound }, {
    low: bound,
    high: 1,
  }]);
});

Deno.test("summarizeSweep calls sweeps uninformative that all score 0, all 1, or whose baseline leaves no room", async () => {
  const why = async (score: (trial: Trial) => number) => (await summaryOf(sweep, score)).uninformative ?? "";
  assertMatch(await why(() => 0), /every setting scores 0/);
  assertMatch(await why(() => 1), /every setting scores 1/);
  assertMatch(await why(({ seed }) => seed === 0 ? 0.75 : 1), /baseline scores 0\.9\d, outside of 0\.4 to 0\.9/);
  assertMatch(await why(({ seed }) => seed % 2 ? 0.25 : 0.3), /near the 0\.25 of guessing/);
  assertEquals(await why(() => 0.6), "");
  // A difference that is found says something, wherever the baseline lies.
  assertEquals(await why(({ knobs }) => knobs.k === 4 ? 1 : 0), "");
});

Deno.test("summarizeSweep compares within a length and options of the task", async () => {
  const input = { ...sweep, sweep: { k: [1, 4], "task.needles": [2, 4] }, lengths: [1024, 2048] };
  const { comparisons } = await summaryOf(
    input,
    ({ length, parameters, knobs }) =>
      length / 4096 + (parameters.needles as number) / 16 + (knobs.k === 1 ? 0.125 : 0),
  );
  assertEquals(comparisons.map(({ difference }) => difference), [0.125, 0.125, 0.125, 0.125]);
});

Deno.test("summarizeSweep takes the spec's own baseline, and tells what failed", async () => {
  const input: SweepSpecInput = { ...sweep, baseline: { k: 1 } };
  const summary = await summaryOf(
    input,
    ({ knobs, seed }) => knobs.k === 8 ? "RangeError: too many" : knobs.k === 4 && seed === 3 ? "Error: once" : 0.5,
  );
  assertEquals(summary.comparisons.map(({ setting, baseline, pairs }) => [setting.axes.k, baseline.axes.k, pairs]), [[
    4,
    1,
    9,
  ]]);
  assertEquals(summary.failedSettings, [{ axes: { k: 8 }, error: "RangeError: too many" }]);
  assertEquals(summary.settings[1].failed, ["Error: once"]);
  const spec = parseSweepSpec(sweep);
  assertThrows(() => summarizeSweep(spec, []), RangeError, "no trial came to a result yet");
});
