import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import {
  type ClaimedTrial,
  OtherSpecError,
  parseSweepSpec,
  planSweep,
  runLedger,
  SweepFile,
  type SweepSpecInput,
} from "../../../lib/evaluation/mod.ts";
import { Database } from "../../../lib/platform.ts";
import { FakeBench, fakeRecord } from "./fake_bench.ts";

async function withPath(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(`${folder}/deep/sweep.db`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function open(path: string, input: SweepSpecInput, options = {}): Promise<SweepFile> {
  const spec = parseSweepSpec(input);
  return await SweepFile.open(path, spec, (await planSweep(spec)).trials, options);
}

const small: SweepSpecInput = { methods: ["reattention-window"], sweep: { k: [1, 4] }, seeds: [0, 1, 2] };

function claimed(file: SweepFile, preferred?: string): ClaimedTrial {
  const claim = file.claim(preferred);
  assert(claim && claim !== "wait");
  return claim;
}

async function drained<T>(all: AsyncIterable<T>): Promise<T[]> {
  const found = [];
  for await (const one of all) found.push(one);
  return found;
}

Deno.test("SweepFile claims trials of the reading at hand first, then of one that nobody is at", () =>
  withPath(async (path) => {
    using file = await open(path, small);
    using other = await open(path, small);
    const first = claimed(file);
    assertEquals([first.trial.seed, first.trial.knobs.k], [0, 1]);
    // The next by place would be of the first one's reading.
    assertEquals(claimed(other).trial.seed, 1);
    const second = claimed(file, first.prefill);
    assertEquals([second.trial.seed, second.trial.knobs.k, second.prefill], [0, 4, first.prefill]);
    assertEquals(file.counts(), { done: 0, failed: 0, pending: 3, claimed: 3 });
  }));

Deno.test("SweepFile keeps records once, and only of whom the claim is", () =>
  withPath(async (path) => {
    using file = await open(path, small);
    using other = await open(path, small);
    const claim = claimed(file);
    assert(!other.finish(fakeRecord(claim)));
    assert(file.finish(fakeRecord(claim, 0.75)));
    assert(!file.finish(fakeRecord(claim, 0.25)));
    assertEquals(file.records().map(({ result }) => result!.score), [0.75]);
    file.release(claim.trial.id);
    assertEquals(file.counts().done, 1);
  }));

Deno.test("SweepFile says wait while others run what is left, and ends when all is done", () =>
  withPath(async (path) => {
    const one: SweepSpecInput = { seeds: [0] };
    using file = await open(path, one);
    const claim = claimed(file);
    {
      using other = await open(path, one);
      assertEquals(other.claim(), "wait");
    }
    file.release(claim.trial.id);
    file.finish(fakeRecord(claimed(file)));
    assertEquals(file.claim(), undefined);
  }));

Deno.test("SweepFile gives claims back when it is closed", () =>
  withPath(async (path) => {
    {
      using file = await open(path, small);
      claimed(file);
    }
    using again = await open(path, small);
    assertEquals(again.counts(), { done: 0, failed: 0, pending: 6, claimed: 0 });
  }));

Deno.test("SweepFile takes over from a process that died, and after silence from one of another machine", () =>
  withPath(async (path) => {
    using file = await open(path, { seeds: [0, 1] });
    claimed(file);
    claimed(file);
    using other = await open(path, { seeds: [0, 1] });
    using database = await Database.open(path);
    const worker = (process: Record<string, unknown>, beat: number) =>
      database.run("UPDATE worker SET process = json_patch(process, ?), beat = ?", JSON.stringify(process), beat);
    assertEquals(other.claim(), "wait");
    // Another machine's: alive as long as it speaks.
    worker({ host: "elsewhere" }, Date.now());
    assertEquals(other.claim(), "wait");
    worker({ host: "elsewhere" }, Date.now() - 3_600_000);
    claimed(other);
    // Its record comes too late.
    assertEquals(file.counts(), { done: 0, failed: 0, pending: 1, claimed: 1 });
    const late = { trial: (await planSweep(parseSweepSpec({ seeds: [0, 1] }))).trials[0], prefill: "" };
    assert(!file.finish(fakeRecord(late)));
  }));

Deno.test("SweepFile takes over from a number that was given out again", () =>
  withPath(async (path) => {
    using file = await open(path, { seeds: [0] });
    claimed(file);
    using other = await open(path, { seeds: [0] });
    using database = await Database.open(path);
    database.run("UPDATE worker SET process = json_patch(process, ?)", JSON.stringify({ started: "12" }));
    claimed(other);
  }));

Deno.test("SweepFile tells a changed spec and what differs; extend adds to it and keeps what is finished", () =>
  withPath(async (path) => {
    {
      using file = await open(path, small);
      assertEquals((await drained(runLedger(file, new FakeBench()))).length, 6);
    }
    const larger = { ...small, sweep: { k: [1, 8] } };
    const error = await assertRejects(() => open(path, larger));
    assertInstanceOf(error, OtherSpecError);
    assertStringIncludes(error.message, "sweep.k: [1,4] there, [1,8] here");
    // Other words are no other spec.
    using same = await open(path, { ...small, name: "other", description: "words" });
    assertEquals([same.counts().done, same.spec.name], [6, "other"]);
    using file = await open(path, larger, { extend: true });
    assertEquals(file.counts(), { done: 3, failed: 0, pending: 3, claimed: 0 });
    assertEquals(file.otherTrials, 3);
    const bench = new FakeBench();
    await drained(runLedger(file, bench));
    assertEquals(bench.ran.length, 3);
    assertEquals(file.records().map(({ trial }) => trial.knobs.k), [1, 8, 1, 8, 1, 8]);
    assertEquals(file.spec.sweep, { k: [1, 8] });
  }));

Deno.test("SweepFile tells trials by the axes of the spec that it was opened for", () =>
  withPath(async (path) => {
    {
      using file = await open(path, { seeds: [0] });
      await drained(runLedger(file, new FakeBench()));
      assertEquals(file.records()[0].trial.axes, {});
    }
    using file = await open(path, { seeds: [0], sweep: { k: [4, 8] } }, { extend: true });
    assertEquals(file.records()[0].trial.axes, { k: 4 });
  }));

Deno.test("SweepFile knows a spec of one model however it is named, and one of several as another", () =>
  withPath(async (path) => {
    const opened = async (models: Pick<SweepSpecInput, "model" | "models">) => {
      const other = parseSweepSpec({ sweep: { k: [1] }, seeds: [0], ...models });
      using file = await SweepFile.open(path, other, (await planSweep(other)).trials);
      return file.spec;
    };
    assertEquals((await opened({})).models, ["demo"]);
    await opened({ model: "demo" });
    await opened({ models: ["demo"] });
    await assertRejects(
      () => opened({ models: ["demo", "b"] }),
      OtherSpecError,
      'models: none there, ["demo","b"] here',
    );
  }));

Deno.test("SweepFile keeps failed trials with their error until they are to be retried", () =>
  withPath(async (path) => {
    const fails = ({ trial }: ClaimedTrial) => trial.knobs.k === 4 && trial.seed === 1 ? "RangeError: no" : undefined;
    {
      using file = await open(path, small);
      await drained(runLedger(file, new FakeBench(0, fails)));
      assertEquals(file.counts(), { done: 5, failed: 1, pending: 0, claimed: 0 });
      assertEquals(file.records().find(({ status }) => status === "failed")?.error, "RangeError: no");
    }
    using file = await open(path, small);
    const bench = new FakeBench();
    await drained(runLedger(file, bench));
    assertEquals(bench.ran.length, 0);
    assertEquals(file.retryFailed(), 1);
    await drained(runLedger(file, bench));
    assertEquals([bench.ran.length, file.counts().done], [1, 6]);
  }));

Deno.test("SweepFile absorbs records made elsewhere, each once", () =>
  withPath(async (path) => {
    using file = await open(path, small);
    const { trials } = await planSweep(parseSweepSpec(small));
    const records = trials.map((trial) => fakeRecord({ trial, prefill: "" }));
    const failed = fakeRecord({ trial: trials[0], prefill: "" }, 0, "Error: late");
    assertEquals(file.absorb([failed]), 1);
    assertEquals(file.absorb(records), 6);
    assertEquals(file.absorb([failed, ...records]), 0);
    assertEquals(file.counts().done, 6);
    const foreign = (await planSweep(parseSweepSpec({ seeds: [77] }))).trials[0];
    assertEquals(file.absorb([fakeRecord({ trial: foreign, prefill: "" })]), 0);
  }));

Deno.test("SweepFile brings files of earlier versions up to date, and refuses later ones and other programs'", () =>
  withPath(async (path) => {
    {
      using file = await open(path, small);
      file.finish(fakeRecord(claimed(file)));
    }
    {
      using database = await Database.open(path);
      // As version 1 left it: without traces.
      database.execute("DROP TABLE trace; PRAGMA user_version = 1");
    }
    {
      using file = await SweepFile.read(path);
      assertEquals([file.counts().done, file.traces().size], [1, 0]);
    }
    {
      using database = await Database.open(path);
      database.execute("PRAGMA user_version = 99");
    }
    await assertRejects(() => SweepFile.read(path), RangeError, "written by a later toolkit (version 99");
    const other = `${path}.other`;
    {
      using database = await Database.open(other);
      database.execute("CREATE TABLE songs (title TEXT)");
    }
    await assertRejects(() => open(other, small), RangeError, "a database of another program");
    await Deno.writeTextFile(`${path}.txt`, "no database, but long enough to be taken for the start of one".repeat(20));
    await assertRejects(() => SweepFile.read(`${path}.txt`), Error, "cannot open");
    await assertRejects(() => SweepFile.read(`${path}.none`), Error, "no such file");
  }));

Deno.test("runLedger ends by the signal and gives the trial in hand back", () =>
  withPath(async (path) => {
    using file = await open(path, small);
    const stop = new AbortController();
    const seen: string[] = [];
    await assertRejects(
      async () => {
        for await (const { trial } of runLedger(file, new FakeBench(5), { signal: stop.signal })) {
          seen.push(trial.id);
          if (seen.length === 2) setTimeout(() => stop.abort(new Error("enough")), 1);
        }
      },
      Error,
      "enough",
    );
    assertEquals(file.counts(), { done: 2, failed: 0, pending: 4, claimed: 0 });
    // Leaving the loop does the same.
    for await (const { trial } of runLedger(file, new FakeBench())) {
      assert(!seen.includes(trial.id));
      break;
    }
    assertEquals(file.counts(), { done: 3, failed: 0, pending: 3, claimed: 0 });
  }));
