import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { runScript } from "./run_script.ts";

const plan = (...args: string[]) => runScript("plan", args);

Deno.test("plan says what is wrong with its arguments, exit code 2; --help prints the usage", async () => {
  const wrongs = [
    [[], /^plan: --length is missing/],
    [["--length", "1.3"], /--length "1.3" must be a number of tokens/],
    [["--length", "1M", "--storage", "f8"], /--storage "f8" must be one of/],
    [["--length", "1M", "--knobs", "[1]"], /--knobs \[1\] must be a JSON object/],
    [["--length", "1M", "--values-on", "disk"], /--values-on "disk" is none; there are gpu, host, file/],
    [["--length", "1M", "--keys-on", "disk"], /--keys-on "disk" is none; there are gpu, host, file/],
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

Deno.test("plan --measure makes the run and sets it beside the plan; values in a file stand in tiers of their own", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const json = `${folder}/plan.json`;
    const args = ["--length", "700", "--answer", "4", "--values-on", "file", "--no-time", "--measure", "--json", json];
    const { code, out, err } = await plan(...args);
    assertEquals(code, 0, err);
    assertMatch(out, /\nhost .*\nfile .*\n\nIt fits\./);
    assertMatch(out, /planned +measured +ratio\nto read the context, s +- +[\d.]+ +-\n/);
    const { tiers, measured } = JSON.parse(await Deno.readTextFile(json));
    const [gpu, host, file] = tiers as { tier: string; keys: number; values: number; total: number }[];
    assertEquals([gpu.tier, host.tier, file.tier], ["gpu", "host", "file"]);
    // Small enough that all of it stays in memory too.
    assertEquals([gpu.values, host.values, file.values], [0, file.total, file.total]);
    assert(file.total > 0 && file.total <= gpu.keys);
    assertGreater(measured.prefillSeconds, 0);
    // What is counted is what is taken, to the buffers that a run keeps for reuse.
    assert(Math.abs(measured.peakBytes / gpu.total - 1) < 0.1, `${measured.peakBytes} of ${gpu.total}`);
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
