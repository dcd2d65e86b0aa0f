import { assert, assertEquals, assertRejects } from "@std/assert";
import { checkGolden, type JsonLine, readJsonLines } from "../../../lib/evaluation/mod.ts";

const folder = new URL("../../../../shared/goldens/metrics/", import.meta.url);
const files = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".jsonl")).sort();

async function linesOf(file: string): Promise<JsonLine[]> {
  return [...await readJsonLines(new URL(file, folder))];
}

Deno.test("every golden of the official scorers is computed to 1e-6, extracted answers and segments included", async () => {
  let lines = 0;
  for (const file of files) {
    for (const read of await linesOf(file)) {
      assert("value" in read, `${file}:${read.line}`);
      assertEquals(await checkGolden(read.value), [], `${file}:${read.line}`);
      lines++;
    }
  }
  assert(lines > 1000, `only ${lines} lines`);
});

Deno.test("a golden whose score or extracted answer was changed disagrees", async () => {
  for (const file of files) {
    const [read] = await linesOf(file);
    assert("value" in read);
    const line = read.value as Record<string, unknown>;
    const field = "keep" in line ? "keep" : "score";
    const value = line[field];
    const changed = typeof value === "number" ? value + 2e-6 : Array.isArray(value) ? [[0, 1]] : { "0-4k": -1 };
    const [difference, ...others] = await checkGolden({ ...line, [field]: changed });
    // RULER's scores have two decimals.
    assertEquals([difference?.field, others.length], [field, 0], file);
  }
});

Deno.test("checkGolden says what a line lacks", async () => {
  await assertRejects(() => checkGolden([1]), RangeError, "must be an object");
  await assertRejects(() => checkGolden({ benchmark: "longbench", task: "trec", score: 1 }), RangeError, "prediction");
  const line = { benchmark: "longbench", task: "tree", prediction: "", references: ["x"], score: 1 };
  await assertRejects(() => checkGolden(line), RangeError, 'LongBench has no task "tree"');
  await assertRejects(() => checkGolden({ ...line, task: "trec" }), RangeError, "all_classes");
  await assertRejects(() => checkGolden({ ...line, benchmark: "shortbench" }), RangeError, "benchmark");
});
