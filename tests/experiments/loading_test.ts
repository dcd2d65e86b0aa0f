import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runScript } from "./run_script.ts";

const run = (...args: string[]) => runScript("loading", args);

Deno.test("loading loads a small checkpoint, times each shard and stays within its memory", async () => {
  const { code, out, err } = await run("--gib", "0.1");
  assertEquals(code, 0, out + err);
  assertMatch(out, /^checkpoint: \d+ MiB of bf16/);
  assertMatch(out, /model-00001-of-00001\.safetensors \(1 of 1\): \d+ MiB, \d+\.\d s, \d+ MiB\/s/);
  assertMatch(out, /all: .* \d+ MiB on the device; \d+ MiB beside them \(600 allowed\)/);
});

Deno.test("loading names a size that is none, exit code 2", async () => {
  for (const [value, message] of [["three", "--gib must be a number"], ["0", "--gib must be at least 0.1"]]) {
    const { code, err } = await run("--gib", value);
    assertEquals(code, 2);
    assertStringIncludes(err, message);
    assertStringIncludes(err, "usage: deno task loading");
  }
  const help = await run("--help");
  assertEquals([help.code, help.err], [0, ""]);
  assertMatch(help.out, /^usage: deno task loading/);
});
