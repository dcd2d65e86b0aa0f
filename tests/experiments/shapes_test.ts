import { assert, assertEquals, assertMatch } from "@std/assert";
import { runScript } from "./run_script.ts";

const shapes = (...args: string[]) => runScript("shapes", args);

Deno.test("shapes says what is wrong with its arguments, exit code 2", async () => {
  const { code, err } = await shapes("--model", "gpt", "--lengths", "1G");
  assertEquals(code, 2);
  assertMatch(err, /^shapes: --model "gpt" is none; there are tiny, llama-3.1-8b.*\n--lengths "1G" must be/);
});

Deno.test("shapes times a small model's steps and derives whole runs", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const json = `${folder}/rows.json`;
    const { code, out, err } = await shapes(
      "--model",
      "tiny",
      "--lengths",
      "1K,3K",
      "--whole-lengths",
      "1K",
      "--json",
      json,
    );
    assertEquals(code, 0, err);
    assertMatch(out, /tiny +layer +full +1,024 +decode/);
    const { rows } = JSON.parse(await Deno.readTextFile(json));
    const steps = rows.filter(({ kind }: { kind: string }) => kind === "step");
    // Three methods, two steps, two lengths of one layer and one of the whole model.
    assertEquals(steps.length, 18, out);
    for (const { bytes, flops, wallMilliseconds, peakBytes, cacheBytes, scope, method } of steps) {
      assert(bytes > 0 && flops > 0 && wallMilliseconds > 0 && peakBytes > cacheBytes);
      assert(method === "full" || scope <= 512, `${method}: scope ${scope}`);
    }
    const derived = rows.filter(({ kind }: { kind: string }) => kind === "derived");
    assertEquals(derived.map(({ length, basis }: { length: number; basis: string }) => [length, basis]).slice(0, 2), [
      [1024, "whole model"],
      [3072, "one layer"],
    ]);
    assert(derived.every(({ tokensPerSecond }: { tokensPerSecond: number }) => tokensPerSecond > 0));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
