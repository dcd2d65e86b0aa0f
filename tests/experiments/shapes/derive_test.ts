import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { deriveRows } from "../../../experiments/shapes/derive.ts";
import type { StepRow } from "../../../experiments/shapes/rows.ts";

function step(part: StepRow["part"], kind: StepRow["step"], length: number, gpuMilliseconds: number): StepRow {
  const rest = { wallMilliseconds: 999, repeats: 1, bytes: 1, flops: 1, shareOfReading: null, scope: 1 };
  const who = { kind: "step", model: "m", method: "reattention", part, step: kind, length } as const;
  return { ...who, gpuMilliseconds, rows: kind === "decode" ? 1 : 100, cacheBytes: 1, peakBytes: 1, ...rest };
}

Deno.test("deriveRows adds up chunks along the length and makes whole models of one layer", () => {
  const rows = [
    step("layer", "prefill", 1000, 2),
    step("layer", "decode", 1000, 1),
    step("layer", "prefill", 3000, 4),
    step("layer", "decode", 3000, 3),
    step("whole", "prefill", 1000, 25),
    step("whole", "decode", 1000, 14),
  ];
  const [short, long] = deriveRows(rows, () => 10);
  assertEquals([short.length, short.basis, long.length, long.basis], [1000, "whole model", 3000, "one layer"]);
  // 10 chunks of 25 ms and a token of 14 ms.
  assertAlmostEquals(short.firstTokenSeconds, 0.264, 1e-12);
  assertAlmostEquals(short.tokensPerSecond, 1000 / 14, 1e-9);
  // By the clock every step takes 999 ms: ten layers of it are more than the whole, so nothing comes beside them.
  assertAlmostEquals(short.byClock!.firstTokenSeconds, 11 * 0.999, 1e-9);
  assertAlmostEquals(long.byClock!.tokensPerSecond, 1000 / 9990, 1e-9);
  // At 3,000: 10 layers of 4 ms + 5 ms beside them, of 3 ms + 4 ms for a token; chunks before 1,000 take 25 ms, then up to 45.
  assertAlmostEquals(long.tokensPerSecond, 1000 / 34, 1e-9);
  const chunks = Array.from({ length: 30 }, (_, index) => 25 + Math.max(0, index - 10));
  assertAlmostEquals(long.firstTokenSeconds, (chunks.reduce((sum, ms) => sum + ms) + 34) / 1000, 1e-12);
  assertMatch(
    long.arithmetic,
    /^30 chunks of 100, 25\.00 ms at 1000 to 45\.00 ms at 3000, .* = 1\.0 s; 1 \/ 34\.00 ms = 29\.4/,
  );
});

Deno.test("deriveRows tells where keys and values were not kept in f16", () => {
  const rows = [
    ...[step("whole", "prefill", 1000, 2), step("whole", "decode", 1000, 1)],
    ...[step("whole", "prefill", 3000, 2), step("whole", "decode", 3000, 1)].map((row) => ({
      ...row,
      storage: "int8" as const,
    })),
  ];
  const [short, long] = deriveRows(rows, () => 10);
  assert(!short.arithmetic.includes("keys and values"), short.arithmetic);
  assertMatch(long.arithmetic, /on average, keys and values in f16 or int8: 30 x/);
});
