import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { runScript } from "./run_script.ts";

const plan = (...args: string[]) => runScript("plan", args);

Deno.test("plan says what is wrong with its arguments, exit code 2; --help prints the usage", async () => {
  const wrongs = [
    [[], /^plan: --length is missing/],
    [["--length", "1.3"], /--length "1.3" must be a number of tokens/],
    [["--length", "1M", "--storage", "f8"], /--storage "f8" must be one of/],
    [["--length", "1M", "--knobs", "[1]"], /--knobs \[1\] must be a JSON object/],
    [["--length", "1M", "--method", "none"], /--method "none" is none; there are full/],
  ] as const;
  for (const [args, message] of wrongs) {
    const { code, out, err } = await plan(...args);
    assertEquals([code, out], [2, ""]);
    assertMatch(err, message);
  }
  const { code, out } = await plan("--help");
  assertEquals(code, 0);
  assertMatch(out, /^usage: deno task plan/);
});

Deno.test("plan ends with exit code 1 and one line for knobs that a session refuses", async () => {
  const { code, err } = await plan("--length", "4K", "--no-time", "--knobs", '{"k":-1}');
  assertEquals(code, 1);
  assertMatch(err, /^plan: .*k.*at least 0[^\n]*\n$/);
});

Deno.test("plan prints bytes and time of a run that fits, and writes them as JSON", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const json = `${folder}/plan.json`;
    const { code, out, err } = await plan("--length", "8K", "--json", json);
    assertEquals(code, 0, err);
    assertMatch(out, /^reattention, 8,192 tokens and an answer of 64, on /);
    assertMatch(out, /\nIt fits\.\n\nAbout .* to read the context and .* a token after it/);
    const { tiers: [gpu], fits, time, model } = JSON.parse(await Deno.readTextFile(json));
    assertEquals([model, fits, gpu.tier], ["demo", true, "gpu"]);
    assertEquals(gpu.total, gpu.weights + gpu.keys + gpu.values + gpu.metadata + gpu.scratch);
    assertGreater(time.prefillSeconds, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("plan tells what does not fit, and what would, with exit code 3", async () => {
  const { code, out } = await plan("--model", "llama-3.1-8b", "--length", "64M", "--no-time");
  assertEquals(code, 3);
  assertMatch(out, /\nIt does not fit: it takes [\d.]+ GiB of the [\d.]+ [GM]iB that /);
  assert(out.includes("It would fit with:") || out.includes("No single change makes it fit."));
});
