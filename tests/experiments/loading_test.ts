import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const SCRIPT = new URL("../../experiments/loading.ts", import.meta.url).href;

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", SCRIPT, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

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
  }
});
