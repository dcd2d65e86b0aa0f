import { assertEquals, assertThrows } from "@std/assert";
import { ArgumentsError, parseAblateArguments } from "../../../experiments/ablate/arguments.ts";

Deno.test("parseAblateArguments reads what the issue's example types", () => {
  const { changes, dryRun, specPath } = parseAblateArguments([
    ...["--sweep", "k=1,2,4,8", "--sweep", "chunkSize=64,128", "--set", "window=192", "--task", "needle"],
    ...["--lengths", "8192,32768", "--seeds", "0..9"],
  ]);
  assertEquals([dryRun, specPath], [false, undefined]);
  assertEquals(changes, {
    sweep: { k: [1, 2, 4, 8], chunkSize: [64, 128] },
    set: { window: 192 },
    task: { name: "needle" },
    lengths: [8192, 32768],
    seeds: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  });
});

Deno.test("parseAblateArguments reads files, samples, options of the task and switches", () => {
  const { changes, ...rest } = parseAblateArguments([
    ...["a.yaml", "--sample", "random:20:7", "--set", "task.variant=chain", "--method", "full,streaming"],
    ...["--model", "demo,results/seed1"],
    ...["--exclude", "k > 4", "--exclude", "k < 2", "--keep-traces", "--out", "b.db", "--extend", "--retry-failed"],
  ]);
  assertEquals(changes, {
    sample: { kind: "random", count: 20, seed: 7 },
    models: ["demo", "results/seed1"],
    task: { variant: "chain" },
    methods: ["full", "streaming"],
    exclude: ["k > 4", "k < 2"],
    traces: true,
  });
  const switches = { help: false, schema: false, dryRun: false, retryFailed: true, extend: true };
  assertEquals(rest, { ...switches, specPath: "a.yaml", out: "b.db" });
});

Deno.test("parseAblateArguments says what is wrong", () => {
  const wrong = (args: string[], message: string) =>
    assertThrows(() => parseAblateArguments(args), ArgumentsError, message);
  wrong([], "give a spec file or --sweep");
  wrong(["a.yaml", "b.yaml"], "one spec at a time");
  wrong(["--sweep", "=1"], "must be NAME=VALUE");
  wrong(["--sweep", "k=1,,2"], "empty value");
  wrong(["--set", "k=1,2"], "--sweep takes several");
  wrong(["--sample", "grid:4"], "must be random:COUNT");
  wrong(["--seeds", "9..0"], "--seeds");
  wrong(["--out", "", "--sweep", "k=1"], "--out must name a file");
  wrong(["--nonsense"], "--nonsense");
});
