import { assert, assertEquals, assertMatch } from "@std/assert";
import { runScript } from "./run_script.ts";

const sorted = (row: Record<string, unknown>) => JSON.stringify(Object.entries(row).sort());
const shapes = (...args: string[]) => runScript("shapes", args);

Deno.test("shapes says what is wrong with its arguments, exit code 2", async () => {
  const { code, err } = await shapes("--model", "gpt", "--method", "all", "--lengths", "1G");
  assertEquals(code, 2);
  assertMatch(
    err,
    /^shapes: --model "gpt" is none; there are tiny, llama-3.1-8b.*\n--method "all" is none; there are reattention, .*\n--lengths "1G" must be/,
  );
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
    for (const { bytes, flops, wallMilliseconds, peakBytes, cacheBytes, scope, method, storage } of steps) {
      assert(["f16", "f32"].includes(storage));
      assert(bytes > 0 && flops > 0 && wallMilliseconds > 0 && peakBytes > cacheBytes);
      assert(method === "full" || scope <= 512, `${method}: scope ${scope}`);
    }
    const derived = rows.filter(({ kind }: { kind: string }) => kind === "derived");
    assertEquals(derived.map(({ length, basis }: { length: number; basis: string }) => [length, basis]).slice(0, 2), [
      [1024, "whole model"],
      [3072, "one layer"],
    ]);
    // Full attention once more: its rows take the place of the earlier ones, all others stay.
    const again = await shapes("--model", "tiny", "--layer", "--method", "full", "--lengths", "1K", "--json", json);
    assertEquals(again.code, 0, again.err);
    const joined = JSON.parse(await Deno.readTextFile(json));
    assertEquals(joined.rows.length, rows.length);
    const kept = new Set(joined.rows.map(sorted));
    const changed = steps.filter((row: Record<string, unknown>) => !kept.has(sorted(row)));
    assertEquals(changed.map(({ method, length, part }: Record<string, unknown>) => [method, length, part]), [
      ["full", 1024, "layer"],
      ["full", 1024, "layer"],
    ]);
    await Deno.writeTextFile(json, JSON.stringify({ ...joined, machine: "another one" }));
    const elsewhere = await shapes("--model", "tiny", "--lengths", "1K", "--json", json);
    assertEquals(elsewhere.code, 1);
    assertMatch(elsewhere.err, /holds rows of another machine \(another one\)/);
    assert(derived.every(({ tokensPerSecond }: { tokensPerSecond: number }) => tokensPerSecond > 0));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
