import { assertEquals, assertRejects } from "@std/assert";
import { loadLongBench, Release } from "../../../lib/evaluation/mod.ts";

const parquet = decodeURIComponent(new URL("./parquet", import.meta.url).pathname);

/** A folder with templates, and whatever else a test puts there. */
async function withConfig(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/config`);
    await Deno.writeTextFile(`${folder}/config/dataset2prompt.json`, '{"hotpotqa": "{context}\\n{input}"}');
    await Deno.writeTextFile(`${folder}/config/dataset2maxlen.json`, '{"hotpotqa": 32}');
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("rows of Parquet files, as the hub converts data sets into, are those of all parts in order", () =>
  withConfig(async (folder) => {
    const { questions, faults } = await loadLongBench(await Release.open(parquet, folder), "hotpotqa");
    assertEquals(faults, []);
    assertEquals(questions.map(({ references }) => references), [["brass"], ["brass", "of brass"], ["brass"]]);
    assertEquals(questions[2].prompt, "Lamp 3 is of brass. \u2028 It stands at étage 3.\nWhich lamp is number 3?");
    // 64-bit numbers come as plain ones.
    assertEquals(questions[0].about, { length: 9 });
    assertEquals(new Set(questions.map(({ id }) => id)).size, 3);
  }));

Deno.test("a damaged Parquet file is named", () =>
  withConfig(async (folder) => {
    const bytes = await Deno.readFile(`${parquet}/hotpotqa/test/0000.parquet`);
    await Deno.writeFile(`${folder}/hotpotqa.parquet`, bytes.slice(0, bytes.length - 100));
    const load = async () => await loadLongBench(await Release.open(folder), "hotpotqa");
    await assertRejects(load, RangeError, `${folder}/hotpotqa.parquet is no Parquet file that can be read`);
  }));
