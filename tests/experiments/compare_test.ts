import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseRows } from "../../experiments/compare/rows.ts";
import { runScript } from "./run_script.ts";

const compare = (...args: string[]) => runScript("compare", args);

Deno.test("compare says what is wrong with its arguments, exit code 2; --help prints the usage", async () => {
  const wrong = await compare("--method", "selfextend");
  assertEquals([wrong.code, wrong.out], [2, ""]);
  assertMatch(
    wrong.err,
    /^compare: --method "selfextend" is none; there are full, window, .*\n\nusage: deno task compare/,
  );
  const { code, out } = await compare("--help");
  assertEquals(code, 0);
  assertMatch(out, /^usage: deno task compare/);
});

Deno.test("compare prints a table, writes page and rows, and goes on where rows are kept", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const json = `${folder}/rows.json`;
    const args = ["--quick", "--length", "512", "--method", "full,bm25,oracle,h2o", "--json", json, "--out", folder];
    const first = await compare(...args);
    assertEquals(first.code, 0, first.err);
    assertMatch(first.out, /\nfull +512 +plain +1\.00 +0\.03-1\.00 +4 /);
    const rows = parseRows(json, await Deno.readTextFile(json));
    assertEquals(rows.map(({ method, questions, part }) => [method, questions, part]), [
      ["full", 4, "reported"],
      ["h2o", 4, "reported"],
      ["oracle", 4, "reported"],
      ["bm25", 4, "reported"],
    ]);
    const [full, h2o, oracle, bm25] = rows;
    // What can be known: full attention finds all within the trained context, and so does who is told where they stand.
    assertEquals([full.exact, oracle.exact], [1, 1]);
    assert(h2o.residentBytes! < full.residentBytes! / 4, "an eighth of the cache, and the lists of what is kept");
    assert(h2o.attended! <= 64 && oracle.attended! <= 40 + 44 && full.attended! > 400);
    assertEquals(full.readBytes, full.attended! * 4 * 2 * 4 * 4 * 32);
    assert(full.perplexity! > 1 && full.perplexity! < h2o.perplexity!);
    assertEquals(bm25.perplexity, null);
    assertStringIncludes(
      await Deno.readTextFile(`${folder}/report.html`),
      'reattentionDraw(document.getElementById("figure-1")',
    );
    // Kept rows are taken as they are: the table is the same, and nothing was measured for it.
    const text = await Deno.readTextFile(json);
    const again = await compare(...args);
    assertEquals(again.code, 0, again.err);
    const table = (out: string) => out.split("\n").filter((line) => / 512 /.test(line)).sort();
    assertEquals(table(again.out), table(first.out));
    assertEquals(await Deno.readTextFile(json), text);
    const report = await compare("--report", json);
    assertEquals([report.code, report.out], [0, `table: ${folder}/rows.md\n`], report.err);
    assertStringIncludes(await Deno.readTextFile(`${folder}/rows.md`), "| h2o    |");
    await Deno.writeTextFile(json, "[{}]");
    const broken = await compare(...args);
    assertEquals(broken.code, 1);
    assertMatch(broken.err, /^compare: .*rows\.json holds no rows of compare: 0\.method: /);
    assertEquals(await Deno.readTextFile(json), "[{}]");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
