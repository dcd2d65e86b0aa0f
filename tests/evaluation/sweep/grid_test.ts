import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import {
  parseSweepSpec,
  planSweep,
  prefillKeyOf,
  settingLabel,
  type SweepSpecInput,
} from "../../../lib/evaluation/mod.ts";

const plan = (spec: SweepSpecInput) => planSweep(parseSweepSpec(spec));

Deno.test("planSweep makes the product of all axes and seeds, each trial once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 }),
      fc.uniqueArray(fc.integer({ min: 16, max: 64 }), { minLength: 1, maxLength: 3 }),
      fc.uniqueArray(fc.nat(99), { minLength: 1, maxLength: 3 }),
      async (k, chunkSize, seeds) => {
        const { trials, settings } = await plan({ sweep: { k, chunkSize }, seeds });
        assertEquals([settings, trials.length], [
          k.length * chunkSize.length,
          k.length * chunkSize.length * seeds.length,
        ]);
        assertEquals(new Set(trials.map(({ id }) => id)).size, trials.length);
        assertEquals(new Set(trials.map(({ setting }) => setting)).size, settings);
        const found = new Set(trials.map(({ knobs, seed }) => `${knobs.k} ${knobs.chunkSize} ${seed}`));
        for (const a of k) for (const b of chunkSize) for (const c of seeds) assert(found.has(`${a} ${b} ${c}`));
      },
    ),
    { numRuns: 30 },
  );
});

Deno.test("planSweep goes seed by seed", async () => {
  const { trials } = await plan({ sweep: { k: [1, 2] }, seeds: [3, 5] });
  assertEquals(trials.map(({ seed, knobs }) => [seed, knobs.k]), [[3, 1], [3, 2], [5, 1], [5, 2]]);
});

Deno.test("planSweep goes model by model, so that each is loaded once", async () => {
  const spec = { models: ["demo", "other/seed1", "demo"], sweep: { k: [1, 2] }, seeds: [3, 5] };
  const { trials, settings } = await plan({ ...spec, exclude: ['model == "other/seed1" && k == 2'] });
  assertEquals(trials.map(({ model, seed, knobs }) => [model, seed, knobs.k]), [
    ["demo", 3, 1],
    ["demo", 3, 2],
    ["demo", 5, 1],
    ["demo", 5, 2],
    ["other/seed1", 3, 1],
    ["other/seed1", 5, 1],
  ]);
  assertEquals([settings, trials[0].axes, trials[0].knobs.window], [3, { model: "demo", k: 1 }, 256]);
  // A model alone is no axis, and its trials are those of a spec that names it so.
  const alone = (await plan({ models: ["demo"], seeds: [1] })).trials;
  assertEquals(alone, (await plan({ seeds: [1] })).trials);
});

Deno.test("planSweep lets zipped axes go on together, beside others", async () => {
  const zip = [{ spanSize: [8, 16], recallClip: [28, 14] }];
  const { trials } = await plan({ zip, sweep: { k: [1, 4] }, seeds: [0] });
  assertEquals(trials.map(({ knobs }) => [knobs.spanSize, knobs.recallClip, knobs.k]), [
    [8, 28, 1],
    [8, 28, 4],
    [16, 14, 1],
    [16, 14, 4],
  ]);
});

Deno.test("planSweep leaves out what a condition names, by all of a setting's values", async () => {
  const spec = { sweep: { k: [1, 4, 8], "task.needles": [2, 4] }, seeds: [0] };
  const kept = async (condition: string) => {
    const { trials, excluded } = await plan({ ...spec, exclude: [condition] });
    return [...trials.map(({ knobs, parameters }) => `${knobs.k}/${parameters.needles}`), excluded];
  };
  assertEquals(await kept("k > 1 && task.needles == 2"), ["1/2", "1/4", "4/4", "8/4", 2]);
  // The window is the preset's.
  assertEquals(await kept('window == 256 && k != 4 || method == "full"'), ["4/2", "4/4", 4]);
  await assertRejects(() => kept("k > 0"), RangeError, "leave no setting");
});

Deno.test("planSweep draws distinct settings of the grid, the same for the same sample", async () => {
  const axes = { k: { from: 1, to: 20 }, chunkSize: { from: 16, to: 64 } };
  for (const kind of ["random", "sobol"] as const) {
    const spec = { sweep: axes, seeds: [0], sample: { kind, count: 32, seed: 7 }, exclude: ["k > chunkSize"] };
    const { trials } = await plan(spec);
    assertEquals(new Set(trials.map(({ id }) => id)).size, 32, kind);
    assert(trials.every(({ knobs }) => knobs.k <= knobs.chunkSize), kind);
    assertEquals((await plan(spec)).trials.map(({ id }) => id), trials.map(({ id }) => id), kind);
  }
  const sobol = await plan({ sweep: axes, seeds: [0], sample: { kind: "sobol", count: 16, seed: 1 } });
  // Evenly: half of 16 in the lower half of the axis, give or take one.
  const lower = sobol.trials.filter(({ knobs }) => knobs.k <= 10).length;
  assert(lower >= 7 && lower <= 9, `${lower} of 16 in the lower half`);
  const tooMany = { sweep: { k: [1, 2] }, seeds: [0], sample: { kind: "random" as const, count: 3, seed: 1 } };
  await assertRejects(() => plan(tooMany), RangeError, "a sample of 3 from a grid of 2");
});

Deno.test("a trial's name depends on what its result depends on, and on nothing else", async () => {
  const name = async (spec: SweepSpecInput) => (await plan({ seeds: [1], ...spec })).trials[0].id;
  const same = await name({});
  assertEquals(await name({ set: { k: 4 }, name: "other", description: "words" }), same);
  assertEquals(await name({ sweep: { k: [4, 8] } }), same);
  assertEquals(await name({ task: { name: "needle", needles: 4 } }), same);
  const others: SweepSpecInput[] = [
    { set: { k: 5 } },
    { lengths: [2049] },
    { seeds: [2] },
    { methods: ["full"] },
    { model: "elsewhere", preset: "demo" },
    { task: { name: "needle", needles: 5 } },
    { preset: "paper" },
  ];
  const names = await Promise.all(others.map(name));
  assertEquals(new Set([same, ...names]).size, others.length + 1);
});

Deno.test("trials share a reading exactly where nothing that reading depends on differs", async () => {
  const readings = async (spec: SweepSpecInput) => {
    const { trials, readings } = await plan({ seeds: [1], ...spec });
    assertEquals(new Set(trials.map(prefillKeyOf)).size, readings);
    return readings;
  };
  const late = { k: [1, 4], spanSize: [8, 32], recallClip: [1, 7], scoring: ["qk", "v"] };
  assertEquals(await readings({ methods: ["reattention-window"], sweep: late }), 1);
  assertEquals(await readings({ set: { prefill: "window" }, sweep: late }), 1);
  assertEquals(await readings({ set: { recall: "generate" }, sweep: late }), 1);
  assertEquals(await readings({ methods: ["reattention"], sweep: late }), 16);
  const early = { window: [128, 256], chunkSize: [32, 64], positions: ["compact", "original"] };
  assertEquals(await readings({ methods: ["reattention-window"], sweep: early }), 8);
  assertEquals(await readings({ methods: ["full"], sweep: { positions: ["compact", "original"], k: [1, 4] } }), 1);
  assertEquals(await readings({ methods: ["streaming"], sweep: { positions: ["compact", "original"], k: [1, 4] } }), 2);
  assertEquals(await readings({ sweep: { recall: ["always", "prefill", "generate", "never"] } }), 3);
  // What a query cache takes down differs with its length.
  assertEquals(await readings({ methods: ["reattention-window"], sweep: { queryCacheLength: [0, 1, 8] } }), 2);
});

Deno.test("parseSweepSpec names every field that is wrong", () => {
  const fault = (spec: unknown, message: string) => assertThrows(() => parseSweepSpec(spec), RangeError, message);
  fault({ sweep: { kk: [1] } }, "there is no kk; there are globalSize");
  fault({ sweeps: {} }, "sweeps");
  fault({ sweep: { k: [] } }, "sweep.k: ");
  fault({ sweep: { k: [1] }, set: { k: 2 } }, "k is swept as well");
  fault({ sweep: { k: [1] }, zip: [{ k: [1], spanSize: [8] }] }, "k stands in more than one place");
  fault({ zip: [{ spanSize: [8, 16], recallClip: [1] }] }, "must be of one length");
  fault({ methods: ["magic"] }, 'there is no method "magic"');
  fault({ model: "demo", models: ["demo"] }, "model: give model or models, not both");
  fault({ models: [] }, "models: ");
  fault({ task: "riddle" }, 'there is no task "riddle"');
  fault({ seeds: "9..0" }, "a range must rise");
  fault({ lengths: [10] }, "lengths.0: must be at least 65");
  fault({ exclude: ["foo > 1"] }, "there is no foo");
  fault([], "it: ");
});

Deno.test("planSweep refuses options that a task hasn't", async () => {
  await assertRejects(() => plan({ task: { name: "needle", hops: 2 } }), RangeError, "hops");
  await assertRejects(() => plan({ task: { name: "needle", needles: 0 } }), RangeError, "needles");
  assertThrows(() => parseSweepSpec({ sweep: { "task.hops": [1] } }), RangeError, "there is no task.hops");
});

Deno.test("settingLabel tells the axes that differ", async () => {
  const { trials } = await plan({ sweep: { k: [1, 4], "task.needles": [2, 4], window: [256] }, seeds: [0] });
  assertEquals(settingLabel(trials[0].axes), "k 1, needles 2");
  assertEquals(settingLabel({}), "the one setting");
});
