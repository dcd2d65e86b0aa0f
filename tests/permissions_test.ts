import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT, textOf } from "./source_files.ts";

/**
 * Tasks that run with less than everything, a small run of each, and what it prints. The others need files of /proc and /sys
 * (memory limits of containers, the processor's name, whether a sweep's process lives), which Deno opens with --allow-all only.
 */
const NARROW: readonly [task: string, args: (folder: string) => string[], printed: string][] = [
  ["score", (folder) => ["--check", `${folder}/golden.jsonl`], "1 of 1 lines agree"],
  ["explorer", (folder) => ["--out", `${folder}/page`], "page/index.html and 14 files beside it"],
  ["size", () => [], "./reference"],
  ["kernels", () => ["--check"], ""],
];

/** A line that `deno task score --check` computes again. */
const GOLDEN = JSON.stringify({
  ...{ id: "count-0", benchmark: "longbench", task: "passage_count", metric: "count" },
  ...{ prediction: " 16\n", references: ["16"], score: 1 },
});

/** The flags that a task of deno.json gives a script, the last command of its line. */
function flagsOf(task: string): { flags: string[]; script: string } {
  const line: string = JSON.parse(textOf("deno.json")).tasks[task];
  const [command, run, ...rest] = line.split(" && ").at(-1)!.split(" ");
  assertEquals([command, run], ["deno", "run"]);
  const flags = rest.filter((word) => word.startsWith("--"));
  return { flags, script: rest.find((word) => !word.startsWith("--"))! };
}

for (const [task, args, printed] of NARROW) {
  Deno.test(`deno task ${task} runs with the permissions that deno.json gives it, and these are not all`, async () => {
    const { flags, script } = flagsOf(task);
    assertEquals(flags.filter((flag) => /^(-A|--allow-all)$/.test(flag)), []);
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/golden.jsonl`, GOLDEN);
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-prompt", ...flags, script, ...args(folder)],
        cwd: ROOT,
        env: { NO_COLOR: "1" },
      }).output();
      const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assert(code === 0, err);
      assertStringIncludes(out, printed);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("no task asks for a permission by a name that hides how much it is", () => {
  const tasks: Record<string, string> = JSON.parse(textOf("deno.json")).tasks;
  assertEquals(Object.keys(tasks).filter((name) => / -[A-Z]\b/.test(tasks[name])), []);
});
