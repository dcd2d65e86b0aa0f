import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseDemoRow } from "../../lib/evaluation/mod.ts";
import { runScript } from "./run_script.ts";

const needle = (...args: string[]) => runScript("needle", args);

Deno.test("needle says what is wrong with its arguments, exit code 2, and prints its usage", async () => {
  const wrong = await needle("--length", "5");
  assertEquals([wrong.code, wrong.out], [2, ""]);
  assertMatch(wrong.err, /^needle: --length "5" must be a whole number from 256 .*\n\nusage: deno task needle/);
  const help = await needle("--help");
  assertEquals(help.code, 0);
  assertMatch(help.out, /^usage: deno task needle/);
});

Deno.test("needle reads a haystack once, writes rows, and answers the same from a saved session", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [json, again, session] = ["rows.json", "again.json", "haystack.session"].map((name) => `${folder}/${name}`);
    const task = ["--length", "2K", "--questions", "5", "--seed", "2"];
    const first = await needle(...task, "--json", json, "--save", session);
    assertEquals(first.code, 0, first.err);
    assertMatch(first.out, /\n +2,048 {2}reattention-window +value +[01]\.\d\d +\d+ of 5 in 1 /);
    assertStringIncludes(first.out, "4 times the trained context; n = 1 haystack of 5 needles; read in ");
    const [row] = JSON.parse(await Deno.readTextFile(json));
    const { length, questions, scope, timesTrained, exact } = row;
    assertEquals(parseDemoRow(row).length, 2048);
    assertEquals([length, questions, timesTrained], [2048, 5, 4]);
    assert(scope <= 512 && exact >= 0.8, `scope ${scope}, exact match ${exact}`);
    // Values that were saved from the GPU go on in a file.
    const second = await needle(...task, "--json", again, "--restore", session, "--values-on", "file");
    assertEquals(second.code, 0, second.err);
    assertStringIncludes(second.out, "restored in ");
    assertStringIncludes(second.out, "keys in f32, values in f32 in a file");
    const [restored] = JSON.parse(await Deno.readTextFile(again));
    assertEquals([restored.answers, restored.valuesOn], [row.answers, "file"]);
    const other = await needle("--length", "2K", "--questions", "5", "--seed", "3", "--restore", session);
    assertEquals(other.code, 1);
    assertMatch(other.err, /needle: --restore: the file holds another haystack/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
