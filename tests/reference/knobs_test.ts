import { assertEquals, assertThrows } from "@std/assert";
import { completeKnobs, knobsFromReference } from "../../lib/reference/mod.ts";

Deno.test("completeKnobs fills in the paper's knobs: scope 8192", () => {
  const { globalSize, window, spanSize, recallClip } = completeKnobs();
  assertEquals(globalSize + recallClip * spanSize + window, 8192);
});

Deno.test("completeKnobs rejects windows that a chunk does not fit (ALGORITHM section 4)", () => {
  const small = { globalSize: 0, window: 160, chunkSize: 32, align: 128 };
  assertEquals(completeKnobs(small).window, 160);
  assertThrows(() => completeKnobs({ ...small, chunkSize: 33 }), RangeError, "chunkSize 33 must be at most window");
  assertThrows(
    () => completeKnobs({ ...small, window: 128, chunkSize: 1 }),
    RangeError,
    "window 128 must be more than",
  );
  // Sinks and window alone are not aligned.
  assertEquals(completeKnobs({ ...small, k: 0, window: 32 }).chunkSize, 32);
  assertEquals(completeKnobs({ ...small, align: 0, chunkSize: 160 }).chunkSize, 160);
});

Deno.test("completeKnobs names a size that is out of range", () => {
  assertThrows(() => completeKnobs({ spanSize: 0 }), RangeError, "spanSize 0 must be a whole number of at least 1");
  assertThrows(() => completeKnobs({ k: 1.5 }), RangeError, "k 1.5");
  assertEquals(completeKnobs({ recallClip: -1 }).recallClip, -1);
});

Deno.test("knobsFromReference has the published defaults", () => {
  assertEquals(knobsFromReference({}).knobs, {
    globalSize: 32,
    window: 4096,
    k: 1,
    spanSize: 32,
    recallClip: -1,
    chunkSize: 512,
    scoring: "qk",
    recall: "always",
    recallEvery: 1,
    positions: "original",
    queryCacheLength: 0,
    align: 128,
    prefill: "recall",
    share: "layer",
  });
});

Deno.test("knobsFromReference maps every recall option", () => {
  const options = ["default", "whole", "prefill_only", "generate_only", "full_attn"];
  assertEquals(
    options.map((recall_option) => knobsFromReference({ recall_option }).knobs.recall),
    ["always", "always", "prefill", "generate", "never"],
  );
});

Deno.test("knobsFromReference takes lists by layer, shape and rope, and ignores what has no effect", () => {
  const json = { mid_size: [1, 4], n_heads: 8, n_kv_heads: 2, head_dim: 16, rope_theta: 5e5, first_prefill: 3 };
  const setup = knobsFromReference(json, 1);
  assertEquals(setup.knobs.k, 4);
  assertEquals([setup.queryHeads, setup.keyValueHeads, setup.headSize, setup.ropeBase], [8, 2, 16, 5e5]);
  assertThrows(() => knobsFromReference(json, 2), RangeError, "mid_size has values for 2 layers");
});

Deno.test("knobsFromReference names what is wrong", () => {
  assertThrows(() => knobsFromReference({ mid_sise: 4 }), RangeError, "mid_sise");
  assertThrows(() => knobsFromReference({ recall_type: "kq" }), RangeError, "recall_type: ");
  assertThrows(() => knobsFromReference({ local_size: "4096" }), RangeError, "local_size: ");
  assertThrows(() => knobsFromReference(null), RangeError, "knobsFromReference: ");
});
