import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseSweepSpec, planSweep, RunFolder, SweepFile } from "../../../lib/evaluation/mod.ts";
import { ended, inFolder } from "../ablate/command.ts";
import { startScript } from "../run_script.ts";
import { fakeScore, fakeSpec, writeFakeSweep } from "./fake_sweep.ts";

const report = (cwd: string, ...args: string[]) => ended(startScript("report", args, { cwd }));

/** A run's folder with the records of a made-up sweep, and that sweep's file. */
async function writeFakeRun(folder: string): Promise<RunFolder> {
  const spec = parseSweepSpec(fakeSpec);
  const { trials } = await planSweep(spec);
  return await RunFolder.create(`${folder}/runs/k`, {
    ...{ spec, trials, tasks: 4, cwd: folder, out: "k.db", executor: "local", options: { workers: 1 } },
  });
}

Deno.test("report reads a run's folder as it reads what collect makes of it, in the middle of the run", () =>
  inFolder(async (folder) => {
    const run = await writeFakeRun(folder);
    const none = await report(folder, "runs/k");
    assertEquals([none.code, none.out], [1, ""]);
    assertStringIncludes(none.err, "runs/k: no trial has ended yet");

    await writeFakeSweep(`${folder}/k.db`, fakeSpec, fakeScore);
    using file = await SweepFile.read(`${folder}/k.db`);
    const records = new Map(file.records().map((record) => [record.trial.id, record]));
    for (const task of run.tasks) {
      const own = (await run.shard(task)).flatMap(({ trial }) => records.get(trial.id) ?? []).reverse();
      const lines = own.map((record) => `${JSON.stringify(record)}\n`);
      // The first task is being written: its last line is cut off.
      const text = lines.join("") + (task === 0 ? lines[0].slice(0, 40) : "");
      // The second has a damaged one.
      const damage = task === 1 ? '{"trial": 1}\n' : "";
      await Deno.writeTextFile(`${run.taskFolder(task)}/records.first.jsonl`, damage + text);
    }

    const [ofRun, ofFile] = [
      await report(folder, "runs/k/", "--records", "run.jsonl", "--csv", "run.csv", "--out", "run.html"),
      await report(folder, "k.db", "--records", "file.jsonl", "--csv", "file.csv", "--out", "file.html"),
    ];
    assertEquals([ofRun.code, ofFile.code], [0, 0], ofRun.err);
    const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
    assertEquals(await read("run.jsonl"), await read("file.jsonl"));
    assertEquals(await read("run.csv"), await read("file.csv"));
    assertStringIncludes(await read("run.html"), "; 1 still to run.");
    assertMatch(ofRun.err, /^left out: .*tasks\/00001\/records\.first\.jsonl:1\b/);
    assertEquals(ofFile.err, "");

    // Without --out the page lies beside the folder, not in it.
    assertStringIncludes((await report(folder, "runs/k/")).out, "page: runs/k.html");
    await Deno.writeTextFile(`${folder}/runs/k/plan.json`, "{");
    const damaged = await report(folder, "runs/k");
    assertEquals(damaged.code, 1);
    assertStringIncludes(damaged.err, "runs/k/plan.json");
  }));
