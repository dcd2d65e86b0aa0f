import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  collectRun,
  OtherSpecError,
  parseSweepSpec,
  planSweep,
  RunFolder,
  runLedger,
  ShardLedger,
  SweepFile,
} from "../../../lib/evaluation/mod.ts";
import { FakeBench, fakeRecord } from "../sweep/fake_bench.ts";

const spec = parseSweepSpec({ methods: ["reattention-window"], sweep: { k: [1, 2, 4] }, seeds: "0..3", traces: true });
const { trials } = await planSweep(spec);

async function inRun(act: (run: RunFolder, folder: string) => Promise<void>, tasks = 4): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const options = { spec, trials, tasks, cwd: folder, out: `${folder}/sweep.db`, executor: "local" };
    await act(await RunFolder.create(`${folder}/runs/one`, options), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs a task's trials, at most so many. */
async function attempt(run: RunFolder, task: number, { most = Infinity, retryFailed = false, error = "" } = {}) {
  const ran: string[] = [];
  using ledger = await ShardLedger.begin(run, task, { retryFailed });
  const bench = new FakeBench(0, () => error || undefined);
  for await (const { trial } of runLedger(ledger, bench)) {
    ran.push(trial.id);
    if (ran.length >= most) break;
  }
  return ran;
}

const recordFiles = (run: RunFolder, task: number) =>
  [...Deno.readDirSync(run.taskFolder(task))].map(({ name }) => name).filter((name) => name.startsWith("records."));

Deno.test("a run's folder holds the sweep: what is opened is what was planned", () =>
  inRun(async (run, folder) => {
    const opened = await RunFolder.open(run.path);
    assertEquals(opened.plan, run.plan);
    assertEquals(opened.plan.spec, spec);
    assertEquals(await opened.trials(), JSON.parse(JSON.stringify(trials)));
    assertEquals([...Deno.readDirSync(`${folder}/runs`)].map(({ name }) => name), ["one"]);
    const again = { spec, trials, tasks: 2, cwd: folder, out: "a.db", executor: "local" };
    await assertRejects(() => RunFolder.create(run.path, again), RangeError, "runs/one is there already");
    await assertRejects(() => RunFolder.open(`${folder}/none`), RangeError, "holds no run: there is no ");
    await assertRejects(() => opened.shard(4), RangeError, "there is no task 4 in ");
    const file = `${run.path}/plan.json`;
    await Deno.writeTextFile(file, (await Deno.readTextFile(file)).replace('"version": 1', '"version": 9'));
    await assertRejects(() => RunFolder.open(run.path), RangeError, "version: must be 1, the version of run folders");
  }));

Deno.test("a task begun again runs only what is missing, into a file of its own", () =>
  inRun(async (run) => {
    const first = await attempt(run, 1, { most: 1 });
    const second = await attempt(run, 1);
    const ids = (await run.shard(1)).map(({ trial }) => trial.id);
    assertEquals([...first, ...second], ids);
    assertEquals(await attempt(run, 1), []);
    assertEquals(recordFiles(run, 1).length, 3);
    assertEquals((await run.records(1)).records.map(({ trial }) => trial.id).sort(), [...ids].sort());
    const { trials, done, failed, attempts } = await run.progress(1);
    assertEquals([trials, done, failed, attempts], [3, 3, 0, 3]);
    assertEquals((await run.progress(0)).attempts, 0);
  }));

Deno.test("failed trials run again when that is asked for, and a result goes before an error", () =>
  inRun(async (run) => {
    await attempt(run, 0, { error: "no such thing" });
    assertEquals((await run.progress(0)).failed, 3);
    assertEquals(await attempt(run, 0), []);
    assertEquals((await attempt(run, 0, { retryFailed: true })).length, 3);
    const { done, failed } = await run.progress(0);
    assertEquals([done, failed], [3, 0]);
    assert((await run.records(0)).records.every(({ status }) => status === "done"));
  }));

Deno.test("a record that was cut off by a kill, or damaged, counts as missing", () =>
  inRun(async (run) => {
    await attempt(run, 2);
    const [name] = recordFiles(run, 2);
    const file = `${run.taskFolder(2)}/${name}`;
    const lines = (await Deno.readTextFile(file)).trimEnd().split("\n");
    await Deno.writeTextFile(file, `${lines[0]}\n${lines[1].replace('"done"', '"dome"')}\n${lines[2].slice(0, 400)}`);
    const { records, faults } = await run.records(2);
    assertEquals(records.length, 1);
    assertEquals(faults.length, 1);
    assertStringIncludes(faults[0], `${file}:2: trial record: status: `);
    assertEquals((await attempt(run, 2)).length, 2);
    assertEquals((await run.records(2)).records.length, 3);
  }));

Deno.test("two processes at one task by mistake do trials twice and harm nothing", () =>
  inRun(async (run, folder) => {
    const ran = await Promise.all([attempt(run, 3), attempt(run, 3)]);
    assertEquals(ran.map(({ length }) => length), [3, 3]);
    assertEquals((await run.records(3)).records.length, 3);
    assertEquals((await collectRun(run, `${folder}/sweep.db`)).added, 3);
  }));

Deno.test("collectRun may be called at any time and again, and the file is the sweep's own", () =>
  inRun(async (run, folder) => {
    const out = `${folder}/sweep.db`;
    assertEquals(await collectRun(run, out), { added: 0, done: 0, failed: 0, missing: 12, faults: [] });
    await attempt(run, 0);
    await attempt(run, 2, { most: 2 });
    assertEquals(await collectRun(run, out), { added: 5, done: 5, failed: 0, missing: 7, faults: [] });
    assertEquals((await collectRun(run, out)).added, 0);
    // What is left of it can be run by any process that opens the file.
    {
      using file = await SweepFile.open(out, spec, trials);
      const left = [];
      for await (const { trial } of runLedger(file, new FakeBench())) left.push(trial.id);
      assertEquals(left.length, 7);
    }
    for (const task of run.tasks) await attempt(run, task);
    assertEquals(await collectRun(run, out), { added: 0, done: 12, failed: 0, missing: 0, faults: [] });
    using file = await SweepFile.read(out);
    assertEquals(file.records().map(({ trial }) => trial.id), trials.map(({ id }) => id));
    const other = parseSweepSpec({ sweep: { k: [8] }, seeds: [0] });
    const others = (await planSweep(other)).trials;
    const made = await RunFolder.create(`${folder}/runs/two`, { ...run.plan, spec: other, trials: others, tasks: 1 });
    await assertRejects(() => collectRun(made, out), OtherSpecError, "holds another spec");
    assertEquals((await collectRun(made, out, { extend: true })).missing, 1);
  }));

Deno.test("what first questions selected goes with the records", () =>
  inRun(async (run, folder) => {
    using ledger = await ShardLedger.begin(run, 0);
    const claim = ledger.claim()!;
    ledger.finish(fakeRecord(claim), { length: 7 });
    await collectRun(run, `${folder}/sweep.db`);
    using file = await SweepFile.read(`${folder}/sweep.db`);
    assertEquals([...file.traces()], [[claim.trial.id, { length: 7 }]]);
  }));
