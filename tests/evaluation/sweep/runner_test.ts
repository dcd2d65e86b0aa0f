import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  ablate,
  InMemoryLedger,
  ModelBench,
  parseSweepSpec,
  planSweep,
  prefillKeyOf,
  runLedger,
  type SweepSpecInput,
  type Trial,
  type TrialRecord,
  TrialRunner,
} from "../../../lib/evaluation/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { loadModel, type Model } from "../../../lib/model/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";

function runnerOn(model: Model, device: Device): TrialRunner {
  return new TrialRunner({
    createSession: (options) => model.createSession(options),
    tokenizer: model.tokenizer,
    memory: device.memory,
  });
}

async function collected(all: AsyncIterable<TrialRecord>): Promise<TrialRecord[]> {
  const found = [];
  for await (const one of all) found.push(one);
  return found;
}

const chain = { name: "needle", variant: "chain", needles: 2, opening: false };

/** Answers of every trial, each from a reading of its own or from shared ones. */
async function answers(model: Model, device: Device, trials: readonly Trial[], share: boolean) {
  let runner = runnerOn(model, device);
  const found = [];
  let readings = 0;
  for (const trial of trials) {
    if (!share) {
      runner.drop();
      runner = runnerOn(model, device);
    }
    const { result, trace } = await runner.run({ trial, prefill: prefillKeyOf(trial) }, { trace: true });
    if (!result.shared) readings++;
    found.push({ questions: result.questions, scope: result.scope, indices: trace!.layers });
  }
  runner.drop();
  return { found, readings };
}

gpuTest("trials from a shared reading answer and select exactly as from one of their own", async (device) => {
  using model = await loadModel("demo", { device });
  const sweeps: SweepSpecInput[] = [
    { methods: ["reattention-window"], sweep: { k: [1, 4], scoring: ["qk", "k"] } },
    { set: { recall: "generate", allowBeyondTrained: true }, sweep: { recallClip: [0, 7] } },
    { sweep: { recall: ["always", "never", "generate"] }, set: { allowBeyondTrained: true } },
  ];
  const readings = [];
  for (const sweep of sweeps) {
    const spec = parseSweepSpec({ ...sweep, task: chain, lengths: [700], seeds: [3] });
    const { trials, readings: planned } = await planSweep(spec);
    const alone = await answers(model, device, trials, false);
    const shared = await answers(model, device, trials, true);
    assertEquals(shared.found, alone.found);
    assertEquals([alone.readings, shared.readings], [trials.length, planned]);
    readings.push(planned);
  }
  assertEquals(readings, [1, 1, 2]);
});

gpuTest("a reading with a step of one row, which counts as decoding, is not shared", async (device) => {
  using model = await loadModel("demo", { device });
  // 288 tokens, chunks of 64, and one token more.
  const spec = parseSweepSpec({
    methods: ["reattention-window"],
    task: { name: "needle", needles: 1 },
    sweep: { recallClip: [1, 7] },
    lengths: [64 + 288 + 3 * 64 + 1],
    seeds: [0],
  });
  const { trials } = await planSweep(spec);
  assertEquals((await answers(model, device, trials, true)).readings, 2);
});

gpuTest("ablate records what fails and goes on, and gives everything back", async (device) => {
  const failing: SweepSpecInput = {
    task: { name: "needle", needles: 2 },
    // Spans of 64 x 7 pass the trained context; a window of 32 can't hold the chunk.
    sweep: { spanSize: [32, 64], window: [256, 32] },
    lengths: [700],
    seeds: [1],
  };
  const seen: string[] = [];
  const records = await collected(ablate(failing, { device, onTrial: ({ status }) => seen.push(status) }));
  assertEquals(seen, ["done", "failed", "failed", "failed"]);
  const [done, window, span] = records;
  assertEquals(done.result!.questions.length, 2);
  assert(done.result!.peakBytes > 0 && done.result!.scope <= 512 && done.result!.tokens === 636);
  assertStringIncludes(window.error!, "RangeError: knobs: chunkSize");
  assertStringIncludes(span.error!, "more than the model's trained context of 512");
  assertEquals(done.environment.adapter, device.info.name);
});

gpuTest("ablate ends by its signal within a step, and by leaving the loop", async (device) => {
  const spec: SweepSpecInput = { lengths: [2048], seeds: [0], sweep: { k: [1, 4] } };
  const stop = new AbortController();
  const ended = ablate(spec, {
    device,
    signal: stop.signal,
    onProgress: (_trial, share) => {
      if (share > 0.2) stop.abort(new Error("enough"));
    },
  });
  await assertRejects(() => ended.next(), Error, "enough");
  const small: SweepSpecInput = { lengths: [400], task: { name: "needle", needles: 1 }, seeds: [0, 1] };
  for await (const { status } of ablate(small, { device })) {
    assertEquals(status, "done");
    break;
  }
});

gpuTest("ablate without its model ends with the model's error", async (device) => {
  await assertRejects(
    () => ablate({ model: "/nowhere/at/all", preset: "demo" }, { device }).next(),
    Error,
    "/nowhere/at/all",
  );
});

gpuTest("the same trial gives the same record again, times aside", async (device) => {
  const spec = parseSweepSpec({ lengths: [600], task: { name: "needle", needles: 2 }, seeds: [5] });
  const run = async () => {
    using bench = new ModelBench(device);
    const [{ trial, result }] = await collected(runLedger(new InMemoryLedger((await planSweep(spec)).trials), bench));
    return [trial, result!.questions, result!.scope];
  };
  assertEquals(await run(), await run());
});

gpuTest(
  "an answer that is read sees far places where every chunk picks, and none where only leading tokens and window are read",
  async (device) => {
    const spec: SweepSpecInput = {
      task: { name: "needle", needles: 2, read: true },
      sweep: { prefill: ["recall", "window"] },
      lengths: [1300],
      seeds: [1],
    };
    const scores = new Map<string, number>();
    for (const read of [true, false]) {
      for await (
        const { trial, result } of ablate({ ...spec, task: { name: "needle", needles: 2, read } }, { device })
      ) {
        scores.set(`${trial.knobs.prefill} ${read ? "read" : "written"}`, result!.score);
        assert(result!.scope <= 512, `scope ${result!.scope}`);
      }
    }
    assertEquals(Object.fromEntries(scores), {
      "recall read": 1,
      "window read": 0,
      "recall written": 1,
      "window written": 1,
    });
  },
);
