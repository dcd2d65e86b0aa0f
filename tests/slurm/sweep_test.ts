import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ended, inFolder, outcomes, recordLines, start, until } from "../experiments/ablate/command.ts";
import { missingPrograms, SimulatedCluster } from "./cluster.ts";

/** 24 trials, each with a reading of its own. */
const sweep = [
  ...["--sweep", "k=1,2,4", "--method", "reattention", "--lengths", "700", "--seeds", "0..7"],
  ...["--set", "task.needles=2", "--set", "recallClip=3"],
];
/** The first six of them. */
const part = sweep.map((word) => word === "0..7" ? "0..1" : word);
const TRIALS = 24;
const TASKS = 8;

const missing = missingPrograms();
if (missing.length > 0) {
  console.log(`Slurm is not installed here (no ${missing.join(", ")}): the test with it is left out`);
}

Deno.test({
  name:
    "a Slurm array of 24 trials outlives a node, a time limit, preemption and a cancelled run; all come out as one process has them",
  // Where everything is checked, it must not be left out.
  ignore: missing.length > 0 && Deno.env.get("CI") === undefined,
  fn: () =>
    inFolder(async (folder) => {
      assertEquals(missing, [], "install it: apt-get install slurm-wlm munge");
      await using cluster = await SimulatedCluster.start(["node1", "node2", "node3", "node4"]);
      const ablate = (...args: string[]) => ended(start(folder, args, cluster.env));
      const runs = `${folder}/results/runs`;
      const counts = (run: string, tasks: number) =>
        Array.from({ length: tasks }, (_, task) => recordLines(`${runs}/${run}`, task).length);
      const all = (run: string, tasks: number) => counts(run, tasks).reduce((sum, count) => sum + count, 0);

      const submitted = await ablate(
        ...[...sweep, "--executor", "slurm", "--limit", "4", "--time", "1", "--tasks", `${TASKS}`, "--run", "big"],
      );
      assertEquals(submitted.code, 0, submitted.err);
      const job = /submitted job (\d+): an array of 8 tasks \(big-[0-9a-f]{8}\)/.exec(submitted.out)![1];

      // Two tasks, on different nodes, are stopped in the middle: so it is sure that they don't end by themselves.
      const frozen: { task: number; node: string }[] = [];
      await until("two tasks in the middle", () => {
        for (const [task, count] of counts("big", TASKS).entries()) {
          const pid = count > 0 && count < 3 ? cluster.worker(job, task) : undefined;
          if (pid === undefined || frozen.length === 2 || frozen.some((other) => other.task === task)) continue;
          const node = cluster.nodeOf(pid);
          if (frozen.some((other) => other.node === node)) continue;
          Deno.kill(pid, "SIGSTOP");
          if (recordLines(`${runs}/big`, task).length < 3) frozen.push({ task, node });
          else Deno.kill(pid, "SIGCONT");
        }
        return frozen.length === 2;
      });
      const [lost, slow] = frozen;
      await cluster.killNode(lost.node);

      const status = await ablate("status", "big");
      assertMatch(status.out, /^big \(slurm, planned .*: \d+ of 24 trials done, 0 failed, \d+ missing\n8 tasks: /);
      const running = Number(/(\d+) running, /.exec(status.out)![1]);
      assert(running >= 2 && running <= 4, status.out);

      // Meanwhile another run is cancelled in the middle, and goes on.
      const small = await ablate(...part, "--executor", "slurm", "--tasks", "2", "--run", "small");
      const second = /submitted job (\d+)/.exec(small.out)![1];
      let held: number | undefined;
      await until("a task of the other run in the middle", () => {
        const task = counts("small", 2).findIndex((count) => count > 0 && count < 3);
        held = task < 0 ? undefined : cluster.worker(second, task);
        if (held !== undefined) Deno.kill(held, "SIGSTOP");
        return held !== undefined;
      });
      const cancelled = await ablate("cancel", "small");
      assertMatch(cancelled.out, /slurm: [12] tasks cancelled; those that ran drop the trial in hand/);
      await until("the end of the cancelled run", async () =>
        / 0 running, 0 waiting, /.test((await ablate("status", "small")).out));
      const kept = all("small", 2);
      assert(kept > 0 && kept < 6, `${kept} records`);
      // It goes on away from the slow task's node, since whatever runs on its task's node is preempted.
      const elsewhere = ["--executor", "slurm", `--sbatch=--exclude=${slow.node}`];
      const resumed = await ablate("resume", "small", ...elsewhere);
      const third = /submitted job (\d+): an array of [12] tasks/.exec(resumed.out)![1];
      let preempted: number | undefined;
      await until("a task of the resumed run", () => {
        preempted = [0, 1].find((task) => {
          const pid = cluster.worker(third, task);
          if (pid === undefined) {
            return false;
          }
          // Stopped, so that it doesn't end by itself; Slurm wakes what it tells to end.
          Deno.kill(pid, "SIGSTOP");
          held = pid;
          return true;
        });
        return preempted !== undefined;
      });
      await cluster.preempt(cluster.nodeOf(held!));
      const log = `${runs}/small/tasks/0000${preempted}/slurm.${third}.log`;
      await until("preemption", async () =>
        /DUE TO PREEMPTION/.test(await Deno.readTextFile(log).catch(() => "")));
      // Nobody resumes this one: Slurm puts it back into its queue, and it ends below.

      // Slurm itself runs the dead node's task again: only what was missing, into a file of its own.
      await until("the lost task's second attempt", () => counts("big", TASKS)[lost.task] === 3);
      await until("all but the slow task", () =>
        counts("big", TASKS).every((count, task) =>
          task === slow.task || count === 3
        ));
      const early = await ablate("collect", "big");
      assertMatch(early.out, /^2[12] new records; 2[12] trials done, 0 failed, [23] missing in results\/sweep\.db/);

      // What one process has, while the stopped worker's minute goes by.
      const here = await ended(start(folder, [...sweep, "--out", "here.db"]));
      assertEquals(here.code, 0, here.err);

      // The stopped worker is past its minute: it is told to end, drops its trial and keeps the others.
      await until("the time limit", async () =>
        / 0 running, 0 waiting, 1 not running/.test((await ablate("status", "big")).out));
      const late = await ablate("status", "big");
      assertMatch(late.out, new RegExp(`\n  task ${slow.task}: [12] of 3 trials, begun once; its log ends: .`));
      const again = await ablate("resume", "big", "--executor", "slurm", "--time", "5");
      assertStringIncludes(again.out, " 1 tasks to run, 0 run already");
      await until("both runs", () =>
        all("big", TASKS) === TRIALS && all("small", 2) === 6);

      // No trial ran to its end twice.
      assertEquals([all("big", TASKS), all("small", 2)], [TRIALS, 6]);
      assertStringIncludes((await ablate("collect", "big")).out, "24 trials done, 0 failed, 0 missing in ");
      assertStringIncludes(
        (await ablate("collect", "small", "--out", "small.db")).out,
        "6 trials done, 0 failed, 0 missing",
      );
      const expected = await outcomes(`${folder}/here.db`);
      assertEquals(expected.length, TRIALS);
      assertEquals(await outcomes(`${folder}/results/sweep.db`), expected);
      assertEquals(await outcomes(`${folder}/small.db`), expected.slice(0, 6));
    }),
});
