import { assertEquals, assertRejects } from "@std/assert";
import type { Limits } from "../../../experiments/bench/limits.ts";
import { BenchRecord } from "../../../experiments/bench/record.ts";
import { benchSchema, type Row } from "../../../experiments/bench/row.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { PlatformError } from "../../../lib/platform.ts";

const device = { info: { name: "a card" } } as Device;
const limits = {
  row: {
    ...{ group: "limits", shape: "", dtype: "f32", implementation: "ours", shareOfLimit: 1 },
    ...{ milliseconds: 1, spread: 0, multiplyAddsFlops: 1, copyBytesPerSecond: 1, probes: {} },
  },
} as unknown as Limits;
const row: Row = {
  ...{
    group: "add",
    shape: "1",
    dtype: "f32",
    implementation: "ours",
    milliseconds: 1,
    spread: 0,
    wallMilliseconds: 1,
  },
  ...{ gpuMilliseconds: null, shareOfLimit: null, limit: null, amount: null, error: 0 },
};

Deno.test("BenchRecord writes limits and rows; where it can't, the end says so, and a later time succeeds", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/taken`, "");
    const record = new BenchRecord(`${folder}/taken/rows.json`, device, limits);
    record.add(row);
    await assertRejects(() => record.end(), PlatformError, "cannot write");
    await Deno.remove(`${folder}/taken`);
    await record.end();
    const { rows } = benchSchema.parse(JSON.parse(await Deno.readTextFile(`${folder}/taken/rows.json`)));
    assertEquals(rows.map(({ group }) => group), ["limits", "add"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
