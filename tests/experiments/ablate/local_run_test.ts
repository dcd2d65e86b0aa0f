import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { childrenOf, ended, inFolder, lives, outcomes, recordLines, start, until } from "./command.ts";

/** Twelve trials of four readings. */
const sweep = [
  ...["--sweep", "k=1,2,4", "--method", "reattention-window", "--lengths", "500", "--seeds", "0..3"],
  ...["--set", "task.needles=2", "--set", "recallClip=3"],
];

Deno.test("a run by processes: one is killed, all are stopped, then their maker is killed; every trial is there once, as one process has it", () =>
  inFolder(async (folder) => {
    const run = `${folder}/results/runs/sweep`;
    const trials = () => [0, 1, 2, 3].reduce((sum, task) => sum + recordLines(run, task).length, 0);

    const first = start(folder, [...sweep, "--executor", "local:2", "--tasks", "4"]);
    await until("a first trial", () => existsRun(run) && trials() > 0);
    const started = childrenOf(first.pid);
    const [worker] = started;
    Deno.kill(worker, "SIGKILL");
    await until("another worker", () => childrenOf(first.pid).some((pid) => !started.includes(pid)));
    first.kill("SIGTERM");
    const stopped = await ended(first);
    assertEquals(stopped.code, 130, stopped.err);
    assertStringIncludes(stopped.out, `worker ${worker} was killed; what task `);
    assertMatch(
      stopped.err,
      /ablate: stopped; what ended is kept; it goes on with:\n {2}deno task ablate resume results/,
    );
    const before = trials();
    assert(before < 12, "it was over before it was stopped");

    // Whoever hands tasks out may die as well: its workers see that, and end.
    const second = start(folder, ["resume", "sweep"]);
    await until("workers", () => childrenOf(second.pid).length > 0);
    const workers = childrenOf(second.pid);
    const twice = await ended(start(folder, ["resume", "sweep"]));
    assertMatch(twice.out, /of 12 trials ended before; 0 tasks to run, 4 run already/);
    assertMatch((await ended(start(folder, ["status", "sweep"]))).out, /: process \d+ on .* runs it/);
    second.kill("SIGKILL");
    await second.output();
    await until("the end of the workers", () => !workers.some(lives));

    const last = await ended(start(folder, ["resume", "sweep", "--executor", "local:1"]));
    assertEquals(last.code, 0, last.err);
    assertStringIncludes(last.out, "12 trials done, 0 failed, 0 missing in results/sweep.db");
    assertEquals((await ended(start(folder, [...sweep, "--out", "here.db"]))).code, 0);
    assertEquals(await outcomes(`${folder}/results/sweep.db`), await outcomes(`${folder}/here.db`));

    const again = await ended(start(folder, [...sweep, "--executor", "local:2"]));
    assertEquals(again.code, 1);
    assertMatch(again.err, /^ablate: results\/runs\/sweep is there already/);
  }));

Deno.test("a run whose model can't be loaded says so once, and what to do about a missing run or Slurm", () =>
  inFolder(async (folder) => {
    const { code, err } = await ended(
      start(folder, ["--sweep", "k=1,2", "--model", "./none", "--executor", "local:2", "--run", `${folder}/a`]),
    );
    assertEquals(code, 1);
    assertMatch(err, /^ablate: .*none.*no such file/s);
    const none = await ended(start(folder, ["status", "nothing"]));
    assertEquals(none.err, "ablate: results/runs/nothing holds no run: there is no results/runs/nothing/plan.json\n");
    // Only Slurm's commands are looked for there.
    const missing = await ended(
      start(folder, ["--sweep", "k=1,2", "--executor", "slurm", "--run", "b"], { PATH: folder }),
    );
    assertEquals(missing.code, 1);
    assertMatch(
      missing.err,
      /^ablate: Slurm is not installed here: there is no scontrol\. .*apt-get install slurm-client/,
    );
    assert(!existsRun(`${folder}/results/runs/b`));
  }));

function existsRun(run: string): boolean {
  try {
    return Deno.statSync(`${run}/plan.json`).isFile;
  } catch {
    return false;
  }
}
