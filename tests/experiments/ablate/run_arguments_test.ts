import { assertEquals, assertThrows } from "@std/assert";
import { ArgumentsError, parseAblateArguments } from "../../../experiments/ablate/arguments.ts";
import { parseRunArguments, type RunAction } from "../../../experiments/ablate/runs/arguments.ts";

const parse = (text: string) => parseRunArguments(text.split(" ") as [RunAction, ...string[]]);

Deno.test("parseAblateArguments reads who runs a sweep", () => {
  const { choice, run, tasks } = parseAblateArguments([
    ...["a.yaml", "--executor", "slurm", "--limit", "16", "--partition", "gpu", "--gres", "gpu:1", "--time", "2:00:00"],
    ...["--account", "me", "--sbatch=--qos=high", "--sbatch=--exclude=node7", "--tasks", "64", "--run", "mine"],
  ]);
  const sbatch = ["--partition=gpu", "--gres=gpu:1", "--time=2:00:00", "--account=me", "--qos=high", "--exclude=node7"];
  assertEquals(choice, { executor: "slurm", options: { limit: 16, sbatch } });
  assertEquals([run, tasks], ["results/runs/mine", 64]);
  assertEquals(parseAblateArguments(["a.yaml", "--executor", "local:4"]).choice, {
    executor: "local",
    options: { workers: 4 },
  });
});

Deno.test("parseAblateArguments names what doesn't go with an executor", () => {
  const wrong = (args: string, message: string) =>
    assertThrows(() => parseAblateArguments(["a.yaml", ...args.split(" ")]), ArgumentsError, message);
  wrong("--executor local:0", '--executor "local:0" must be slurm, local or local:COUNT');
  wrong("--executor cloud", '--executor "cloud" must be');
  wrong("--executor local:2 --gres gpu:1", "--gres goes with --executor slurm");
  wrong("--limit 3", "--limit goes with --executor slurm");
  wrong("--tasks 3", "--tasks goes with --executor");
  wrong("--executor local --tasks 0", '--tasks "0" must be a whole number of at least 1');
  wrong("--executor local --extend", "--retry-failed and --extend go with resume RUN");
  wrong("--executor slurm --sbatch=--array=3", 'sbatch: "--array=3" is set by this command itself');
});

Deno.test("parseRunArguments reads what is asked of a run", () => {
  assertEquals(parse("status mine"), {
    action: "status",
    path: "results/runs/mine",
    extend: false,
    retryFailed: false,
  });
  assertEquals(parse("collect /shared/mine/ --out a.db --extend").path, "/shared/mine");
  assertEquals(parse("work a/b 3 4 --retry-failed"), {
    action: "work",
    path: "a/b",
    tasks: [3, 4],
    extend: false,
    retryFailed: true,
  });
  assertEquals(parse("resume mine --executor local:2").choice, { executor: "local", options: { workers: 2 } });
});

Deno.test("parseRunArguments names what is wrong", () => {
  const wrong = (text: string, message: string) => assertThrows(() => parse(text), ArgumentsError, message);
  wrong("status", "status which run? deno task ablate status RUN");
  wrong("status a b", "one run at a time: a and b were given");
  wrong("status a --out b.db", "--out doesn't go with status");
  wrong("work a", "work: give the numbers of tasks, or --from-stdin");
  wrong("work a x", 'work: "x" must be a task\'s number');
  wrong("resume a --tasks 3", "--tasks doesn't go with resume");
});
