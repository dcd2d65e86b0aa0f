import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { arrayList, batchScript, jobNameOf, sbatchArguments } from "../../../experiments/executors/slurm.ts";
import { parseSlurmOptions } from "../../../experiments/executors/slurm_options.ts";
import { workCommand } from "../../../experiments/executors/work_command.ts";
import type { RunPlan } from "../../../lib/evaluation/mod.ts";

const run = { path: "/shared/my runs/100%", plan: { name: "my run", id: "0a1b2c3d", cwd: "/home/me" } as RunPlan };

Deno.test("arrayList writes numbers as Slurm reads them", () => {
  assertEquals(arrayList([0, 1, 2, 5, 8, 7]), "0-2,5,7-8");
  assertEquals(arrayList([3]), "3");
});

Deno.test("sbatchArguments asks for an array that can be put back into the queue, with logs in the tasks' folders", () => {
  const args = sbatchArguments(run, [0, 1, 4], { limit: 2, sbatch: ["--partition=gpu", "--qos=high"] });
  assertEquals(args, [
    "--array=0-1,4%2",
    "--job-name=my_run-0a1b2c3d",
    "--output=/shared/my runs/100%%/tasks/%5a/slurm.%A.log",
    "--open-mode=append",
    "--requeue",
    "--chdir=/home/me",
    "--partition=gpu",
    "--qos=high",
  ]);
  assertEquals(sbatchArguments(run, [0], { sbatch: [] })[0], "--array=0");
  assertEquals(jobNameOf(run.plan), "my_run-0a1b2c3d");
});

Deno.test("batchScript becomes the worker, whatever its folder is called", () => {
  const script = batchScript(workCommand("/a b/it's"), true);
  assertStringIncludes(script, "#!/bin/sh\nexec '");
  assertStringIncludes(script, `'work' '/a b/it'\\''s' "$SLURM_ARRAY_TASK_ID" --retry-failed\n`);
});

Deno.test("parseSlurmOptions passes options on, but for those that would lose results", () => {
  const options = { limit: 4, sbatch: ["--constraint=a100|h100", "-p", "--exclusive"] };
  assertThrows(() => parseSlurmOptions({ sbatch: ["gpu"] }), RangeError, '"gpu" must be one option of sbatch');
  assertEquals(parseSlurmOptions(options), options);
  for (const text of ["--array=1-3", "--wrap=true", "-o/dev/null", "--no-requeue", "--chdir=/"]) {
    assertThrows(() => parseSlurmOptions({ sbatch: [text] }), RangeError, "is set by this command itself");
  }
  assertThrows(() => parseSlurmOptions({ limit: 0, sbatch: [] }), RangeError, "limit: must be at least 1");
});
