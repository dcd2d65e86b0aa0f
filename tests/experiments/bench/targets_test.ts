import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { recordRoofline } from "../../../experiments/bench/roofline.ts";
import { type BenchFile, benchSchema, type Quality, type Row } from "../../../experiments/bench/row.ts";
import { targetResults, targetsTable } from "../../../experiments/bench/targets.ts";

const limits = {
  group: "limits",
  shape: "",
  dtype: "f32",
  implementation: "ours",
  milliseconds: 1,
  spread: 0,
  shareOfLimit: 1,
  multiplyAddsFlops: 60e12,
  copyBytesPerSecond: 3e12,
  readBytesPerSecond: 3.2e12,
  probes: {},
} as const;

function row(group: string, shape: string, dtype: string, rest: Partial<Row>): Row {
  const times = { milliseconds: 1, spread: 0, wallMilliseconds: 1, gpuMilliseconds: 1, error: 0 };
  return {
    group,
    shape,
    dtype,
    implementation: "ours",
    ...times,
    shareOfLimit: null,
    limit: null,
    amount: null,
    ...rest,
  };
}

function record(...rows: Row[]): BenchFile {
  return benchSchema.parse({
    schema: 1,
    adapter: "a card",
    date: "2026-01-02T00:00:00Z",
    versions: {},
    rows: [limits, ...rows],
  });
}

Deno.test("targetResults holds rows against their targets, just met and just missed", () => {
  const product = (dtype: string, milliseconds: number, shareOfLimit: number) =>
    row("decode matmul", "1x2048x8192", dtype, { milliseconds, shareOfLimit, limit: "copy", amount: 1e8 });
  const results = targetResults(record(
    product("f32", 1.7, 0.7),
    product("f16", 1, 0.699),
    row("rope", "8x4096", "f32", { shareOfLimit: 0.1, limit: "copy", amount: 1e6 }),
    row("prefill selection", "512x8/2x64x8192 k 4", "f32", { shareOfLimit: 0.4, limit: "multiply-add", amount: 4e9 }),
    row("matmul", "512x512x512", "f32", { shareOfLimit: 0.46, limit: "multiply-add", amount: 3e8 }),
    row("decode llama-1b", "65536", "f16", {
      implementation: "ours, reattention",
      notes: { "of full": 1 / 1.39, "ceiling by bytes": 1.88 },
    }),
    row("decode llama-1b", "16384", "f16", {
      implementation: "ours, full",
      notes: { "of full": 1, "weights TB/s": 1.6 },
    }),
  ));
  assertEquals(results.map(({ measured, met }) => [measured, met]), [
    ["70 %", true],
    ["69 %", false],
    ["1.70 times", true],
    ["1.15 times", true],
    ["1.39 times; ceiling by keys and values read 1.88", false],
    ["50 %", true],
  ]);
  assertEquals(results.map(({ bound }) => bound), ["memory", "memory", "memory", "arithmetic", "memory", "memory"]);
});

Deno.test("targetsTable counts, puts misses first, and says beside them what was tried", () => {
  const table = targetsTable(targetResults(record(
    row("norm", "16384x4096", "f32", { shareOfLimit: 0.9, limit: "copy", amount: 1e9 }),
    row("prefill attention", "4096x8/2x64", "f32", { shareOfLimit: 0.4, limit: "multiply-add", amount: 17e9 }),
  )));
  const lines = table.split("\n");
  assertEquals(lines[0], "1 of 2 met");
  assertStringIncludes(lines[4], "prefill attention 4096x8/2x64 f32");
  assertStringIncludes(lines[4], "missed | arithmetic (810) | tiles of 32 to 128 pairs");
  assertStringIncludes(lines[5], "met | memory |");
});

const ceilings = { "times the scope": 32, "ceiling by bytes": 16 };

/** A token of a model far past the scope, so many times as fast as with full attention, in all and in attention alone. */
function decode(implementation: string, times: number, alone: number, quality?: Quality): Row {
  const kernels = { "GPU ms": 1.6, "attention ms": 0.5, "attention times": alone };
  const notes = { ...ceilings, "of full": 1 / times, "ceiling with weights": 1.7, "host ms": 2, ...kernels };
  const found = { implementation, milliseconds: 12 / times, notes, ...(quality && { quality }) };
  return row("decode llama-1b", "65536", "f16", found);
}

/** Attention alone, the same. */
function attention(label: string, times: number, quality?: Quality): Row {
  const notes = { ...ceilings, "times as fast as full": times };
  const found = { milliseconds: 1 / times, shareOfLimit: 0.7, limit: "copy", amount: 1e8, notes } as const;
  return row(`decode attention, ${label}`, "1x32/8x64x65536", "f16", { ...found, ...(quality && { quality }) });
}

Deno.test("Of approximations the fastest is held against 3 times, and what each costs stands beside its ratio", () => {
  const quality = {
    model: "demo",
    agreement: 0.8765,
    leastAgreement: 0.5,
    steps: 64,
    accuracy: 0.75,
    accuracyOfExact: 1,
    questions: 12,
    lengths: [2048, 8192],
  };
  const results = targetResults(record(
    decode("ours, reattention", 1.3, 1.5),
    decode("ours, reattention recallEvery 16", 2, 2.1),
    decode("ours, reattention int8 keys", 1.9, 2.5, quality),
    attention("full", 1),
    attention("reattention", 1.3),
    attention("reattention recallEvery 16", 3.5, quality),
    attention("reattention int8 keys", 2),
    row("decode demo", "16384", "f32", { implementation: "ours, reattention recallEvery 16", milliseconds: 1e-3 }),
  ));
  assertEquals(
    results.map(({ wanted, met }) => [wanted.replace(" times as fast as full attention or more", ""), met]),
    [
      ["1.4, attention alone", true],
      ["1, attention alone", true],
      ["3, attention alone (the fastest approximation)", false],
      ["70 % or more of copy bandwidth", true],
      ["1.4", false],
      ["3 (the fastest approximation)", true],
      ["1", true],
    ],
  );
  const cost =
    "attends to 0.876 of what exact selection picks (64 steps, least 0.50); 0.75 of 12 answers right, 1.00 with exact " +
    "selection (demo, 2048, 8192 tokens)";
  assertEquals(
    results[2].measured,
    "2.50 times (0.50 of 1.60 ms of kernels); a whole token 1.90 times; ceiling by keys and values read 16.00; with the weights " +
      `1.70; ${cost}`,
  );
  assertEquals(results[5].measured, `3.50 times; ceiling by keys and values read 16.00; ${cost}`);
  assertStringIncludes(results[2].tried!, "of 6.32 ms the host is busy 2.00 ms, kernels 1.60 ms; fewer, larger calls");
  assertThrows(() => record(decode("ours, reattention int8 keys", 2, 2, { ...quality, agreement: 1.2 })));
});

Deno.test("Far past the scope attention alone is held against 1.4 and 3 times, wherever it was timed", () => {
  const notes = { "of full": 1 / 1.2, "times the scope": 32, "ceiling by bytes": 1.88, "attention times": 1.5 };
  const attentionOf = (label: string, milliseconds: number, times: number) =>
    row(`decode attention, ${label}`, "1x32/8x64x65536", "f16", {
      milliseconds,
      shareOfLimit: 0.71,
      limit: "copy",
      amount: 1e8,
      ...(label !== "full" && {
        notes: { "times as fast as full": times, "times the scope": 32, "ceiling by bytes": 1.88 },
      }),
    });
  const results = targetResults(record(
    row("decode llama-1b", "65536", "f16", { implementation: "ours, reattention", notes }),
    attentionOf("full", 3, 1),
    attentionOf("reattention", 2, 1.5),
    attentionOf("reattention int8 keys", 1.5, 2),
    attentionOf("reattention recallEvery 16", 1.2, 2.5),
  ));
  assertEquals(results.map(({ wanted, measured, met }) => [wanted.slice(0, 9), measured.slice(0, 10), met]), [
    ["1.4 times", "1.50 times", true],
    ["70 % or m", "71 %", true],
    ["1.4 times", "1.50 times", true],
    ["1 times a", "2.00 times", true],
    ["3 times a", "2.50 times", false],
  ]);
  assertStringIncludes(results[0].measured, "a whole token 1.20 times");
});

Deno.test("Records of before approximations had ceilings of their own don't show exact selection's for them", () => {
  const notes = { "of full": 0.5, "ceiling by bytes": 1.88 };
  const [old, ...rest] = targetResults(record(
    row("decode llama-1b", "65536", "f16", { implementation: "ours, reattention recallEvery 16", notes }),
  ));
  assertEquals(rest, []);
  assertEquals([old.wanted, old.measured], [
    "3 times as fast as full attention or more (the fastest approximation)",
    "2.00 times",
  ]);
});

Deno.test("The committed record has its targets told, and a figure of its kernels under their roof", async () => {
  const url = new URL("../../../experiments/records/bench/h100.json", import.meta.url);
  const file = benchSchema.parse(JSON.parse(await Deno.readTextFile(url)));
  assert(targetResults(file).length > 50);
  const { data } = recordRoofline(file);
  assertEquals(data[0].name, "roof");
  assertThrows(() => recordRoofline({ ...file, rows: [] }), TypeError, "no row of limits");
});
