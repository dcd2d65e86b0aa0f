import { assert, assertEquals } from "@std/assert";
import { type DemoRow, parseDemoRow } from "../../lib/evaluation/mod.ts";

const folder = new URL("../../experiments/records/", import.meta.url);
const files = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".json")).sort();

function rowsOf(file: string): DemoRow[] {
  return (JSON.parse(Deno.readTextFileSync(new URL(file, folder))) as unknown[]).map(parseDemoRow);
}

Deno.test("the committed records are rows whose figures agree with their answers, within the trained scope", () => {
  assert(files.length >= 3, `records: ${files.join(", ")}`);
  for (const file of files) {
    for (const row of rowsOf(file)) {
      if (row.method === "full") continue;
      assert(
        row.scope <= 512 && !row.allowBeyondTrained,
        `${file}: ${row.method} at ${row.length}: scope ${row.scope}`,
      );
    }
  }
});

Deno.test("the strict records rest on the haystacks and questions that they have to", () => {
  for (const file of files.filter((name) => !name.startsWith("demo_short"))) {
    for (const { length, haystacks, questions, needlesPerContext, answers } of rowsOf(file)) {
      assert(
        haystacks >= (length > 32_768 ? 5 : 10) && questions >= 50,
        `${file}: ${questions} questions at ${length}`,
      );
      assertEquals(needlesPerContext, 4);
      assertEquals(new Set(answers.map(({ haystack }) => haystack)).size, haystacks);
    }
  }
});

Deno.test("every row of README's table of figures stands in a record", () => {
  const readme = Deno.readTextFileSync(new URL("../../README.md", import.meta.url));
  const tables = [...readme.matchAll(/<!-- table (\S+) -->([\s\S]*?)<!-- \/table -->/g)];
  assert(tables.length >= 2, "README has its tables");
  for (const [, name, text] of tables) {
    const records = files.flatMap(rowsOf);
    const lines = text.split("\n").filter((line) => /^\| +[\d,]+ \|/.test(line));
    assert(lines.length > 0, `${name}: no row`);
    for (const line of lines) {
      const found = line.match(/^\| +([\d,]+) \|.*? (\d+) of (\d+) in (\d+) /)!;
      const [length, correct, questions, haystacks] = found.slice(1).map((text) => Number(text.replaceAll(",", "")));
      const same = records.filter((row) =>
        line.includes(` ${row.method} `) && row.length === length && row.haystacks === haystacks &&
        row.questions === questions && row.answers.filter(({ correct }) => correct).length === correct
      );
      assert(same.length > 0, `README, ${name}: ${line}`);
    }
  }
});
