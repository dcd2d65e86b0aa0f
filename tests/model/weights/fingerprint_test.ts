import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { ModelFileError, modelFingerprint, openWeights, writeSafetensors } from "../../../lib/model/mod.ts";

/** A folder with one tensor of so many rows of 64 numbers, all zero but one. */
async function fingerprintOf(folder: string, rows: number, at: number, value: number): Promise<string> {
  const values = new Float32Array(rows * 64);
  values[at] = value;
  await Deno.writeTextFile(`${folder}/config.json`, "{}");
  await writeSafetensors(`${folder}/model.safetensors`, { w: { dtype: "F32", shape: [rows, 64], data: values } });
  assertEquals((await openWeights(folder)).entry("w").shape, [rows, 64]);
  return await modelFingerprint(folder);
}

Deno.test("modelFingerprint depends on values, shapes and configuration, not on the folder", async () => {
  const [one, other] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  try {
    const same = await fingerprintOf(one, 128, 0, 1);
    assertEquals(await fingerprintOf(other, 128, 0, 1), same);
    // A single number in the middle of a small tensor.
    assertNotEquals(await fingerprintOf(other, 128, 64 * 64, 1), same);
    assertNotEquals(await fingerprintOf(other, 129, 0, 1), same);
    await fingerprintOf(other, 128, 0, 1);
    await Deno.writeTextFile(`${other}/config.json`, "{ }");
    assertNotEquals(await modelFingerprint(other), same);
    // Above 8 MiB the ends stand for all.
    const large = await fingerprintOf(one, 40_000, 0, 1);
    assertNotEquals(await fingerprintOf(one, 40_000, 0, 2), large);
    assertNotEquals(await fingerprintOf(one, 40_000, 40_000 * 64 - 1, 1), large);
  } finally {
    for (const folder of [one, other]) await Deno.remove(folder, { recursive: true });
  }
  await assertRejects(() => modelFingerprint("/nowhere/at/all"), ModelFileError);
});
