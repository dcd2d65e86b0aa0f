import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { approximationOf, approximations } from "../../../experiments/bench/approximations.ts";
import { fullBytes, selectingBytes } from "../../../experiments/bench/bytes_read.ts";
import { ATTENTION_KERNELS } from "../../../experiments/bench/decoding.ts";
import { decodeAttentionCases } from "../../../experiments/bench/groups/decode_attention.ts";
import { demoCase, llamaCase } from "../../../experiments/bench/groups/model_cases.ts";
import { kernels } from "../../../kernels/sources.ts";

Deno.test("bytes read: 2N / (N + 2M) with exact selection, and by their own bytes with approximations", () => {
  const shape = { layers: 3, queryHeads: 8, keyValueHeads: 2, headSize: 64 };
  const about = { shape, length: 65536, scope: 2048, storage: "f16" } as const;
  const full = fullBytes(about);
  assertEquals(full, 3 * 2 * 65536 * 2 * 64 * 2);
  assertAlmostEquals(full / selectingBytes(about, {}), 2 * 65536 / (65536 + 2 * 2048));
  assertAlmostEquals(full / selectingBytes(about, { recallEvery: 16 }), 2 * 65536 / (65536 / 16 + 2 * 2048));
  // 64 bytes and a scale of four for each key.
  const int8 = selectingBytes(about, { keyType: "int8" });
  assertEquals(int8, 3 * 2 * (65536 * 68 + 2048 * (68 + 128)));
});

Deno.test("Every kernel that counts as attention's is there under that name", () => {
  const names: string[] = Object.keys(kernels);
  assertEquals([...ATTENTION_KERNELS].filter((name) => !names.includes(name)), []);
});

Deno.test("Each model's rows have names of their own; keys stored alike are read once", () => {
  for (const { readings } of [demoCase(), llamaCase()]) {
    const labels = readings.flatMap(({ decodes }) => decodes.map(({ label }) => label));
    assertEquals(new Set(labels).size, labels.length);
    assert(labels.includes("reattention int8 keys, recallEvery 16") && labels.includes("reattention recallEvery 64"));
    assertEquals(readings.filter(({ method, keyType }) => method === "reattention" && keyType === "int8").length, 1);
    assertEquals(labels[0], "full");
  }
});

Deno.test("Every row of attention alone that selects less exactly is of a named approximation", () => {
  const groups = [...new Set(decodeAttentionCases(false).map(({ group }) => group))];
  const named = groups.filter((group) => approximationOf(group));
  assertEquals(groups.filter((group) => !named.includes(group)), [
    "decode attention, full",
    "decode attention, reattention",
  ]);
  assertEquals(approximationOf("decode attention, reattention int8 keys")!.name, "int8 keys");
  assertEquals(approximations.length, new Set(approximations.map(({ name }) => name)).size);
});
