import { assert, assertAlmostEquals, assertEquals, assertMatch, assertThrows } from "@std/assert";
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

const models = { ...sweep, models: ["demo", "b", "c"] };

Deno.test("summarizeSweep compares within a model, and pools models by context", async () => {
  // Contexts differ by 0.25, models by 0.125; k 8 loses 0.25 in two of three models.
  const { settings, comparisons, pooled } = await summaryOf(models, ({ model, seed, knobs }) => {
    const lost = knobs.k === 8 && model !== "c" ? 0.25 : 0;
    return 0.5 + (seed % 2 ? 0.25 : 0) - (model === "b" ? 0.125 : 0) - lost;
  });
  assertEquals([settings.length, comparisons.length], [9, 6]);
  assert(comparisons.every(({ setting, baseline }) => setting.axes.model === baseline.axes.model));
  assertEquals(pooled!.settings.map(({ axes }) => axes), [{ k: 1 }, { k: 4 }, { k: 8 }]);
  const [, four, eight] = pooled!.settings;
  assertAlmostEquals(four.score, 0.625 - 0.125 / 3, 1e-12);
  assertAlmostEquals(eight.score, four.score - 0.5 / 3, 1e-12);
  assertEquals([four.questions, four.scores.size], [30, 10]);
  // As wide as over 10 contexts, whose pooled scores are those of one model but for a constant: not as over 30.
  const [, alone] = settings;
  const width = ({ interval }: typeof alone) => interval.high - interval.low;
  assertAlmostEquals(width(four), width(alone), 1e-12);
  const [same, worse] = pooled!.comparisons;
  assertEquals([same.difference, worse.pairs, worse.p], [0, 10, 2 / 1024]);
  assertAlmostEquals(worse.difference, -0.5 / 3, 1e-12);
});

Deno.test("pooled settings are of contexts and settings that all models have", async () => {
  const { pooled } = await summaryOf(models, ({ model, seed, knobs }) => {
    if (model === "b" && knobs.k === 8) return "RangeError: not in this one";
    return model === "c" && seed === 0 ? "Error: once" : 1;
  });
  assertEquals(pooled!.settings.map(({ axes, scores }) => [axes.k, scores.size]), [[1, 9], [4, 9]]);
  assertEquals(pooled!.settings[0].intervalBy, "exact over contexts");
  assertAlmostEquals(pooled!.settings[0].interval.low, 0.025 ** (1 / 9), 1e-12);
  assertEquals((await summaryOf(sweep, () => 0.5)).pooled, undefined);
});

Deno.test("a baseline that names a model compares models", async () => {
  const { comparisons, pooled } = await summaryOf(
    { ...models, sweep: {}, baseline: { model: "demo" } },
    ({ model }) => model === "b" ? 0.25 : 0.5,
  );
  assertEquals(comparisons.map(({ setting, difference }) => [setting.axes.model, difference]), [["b", -0.25], [
    "c",
    0,
  ]]);
  assertEquals(pooled!.comparisons, []);
});

Deno.test("summarizeSweep tells a model whose files changed while the sweep ran", async () => {
  const spec = parseSweepSpec({ seeds: [0, 1] });
  const { trials } = await planSweep(spec);
  const records = trials.map((trial, index) => ({
    ...fakeRecord({ trial, prefill: "" }),
    modelFingerprint: index ? "b" : "a",
  }));
  assertEquals(summarizeSweep(spec, records).models, [{ name: "demo", fingerprints: ["a", "b"] }]);
});
