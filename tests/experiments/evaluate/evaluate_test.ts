import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { writeTinyLlama } from "../../evaluation/tiny_llama.ts";
import { runScript } from "../run_script.ts";

const fixtures = decodeURIComponent(new URL("../../../../shared/fixtures", import.meta.url).pathname);

const evaluate = (...args: string[]) => runScript("evaluate", args);

Deno.test("evaluate says what is wrong with its arguments, exit code 2", async () => {
  for (
    const [args, message] of [
      [[], "name one with --benchmark"],
      [["--benchmark", "shortbench"], '--benchmark "shortbench" is none'],
      [["--benchmark", "niah", "--methods", "fuller"], '--methods "fuller" is none'],
      [["--benchmark", "niah", "--knobs", "kk=3"], '--knobs "kk=3" must be NAME=VALUE'],
      [["--benchmark", "niah", "--depths", "0,200"], "must be percents from 0 to 100"],
    ] as const
  ) {
    const { code, err } = await evaluate(...args);
    assertEquals(code, 2);
    assertStringIncludes(err, message);
  }
});

Deno.test("evaluate keeps answers in the official layout, goes on where it stopped, and tells bad lines", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await writeTinyLlama(`${folder}/tiny`);
    await Deno.mkdir(`${folder}/data`);
    const rows = await Deno.readTextFile(`${fixtures}/longbench/data/hotpotqa.jsonl`);
    await Deno.writeTextFile(`${folder}/data/hotpotqa.jsonl`, `${rows.trimEnd()}\nno json\n`);
    const published = { source: "nowhere", rows: [{ name: "paper", scores: { hotpotqa: 12.5 } }] };
    await Deno.writeTextFile(`${folder}/published.json`, JSON.stringify(published));
    const args = ["--benchmark", "longbench", "--model", `${folder}/tiny`, "--methods", "full", "--max-new", "3"];
    const where = ["--data", `${folder}/data,${fixtures}/longbench/config`, "--out", `${folder}/out`];
    const more = ["--tasks", "hotpotqa", "--compare", `${folder}/published.json`];
    const first = await evaluate(...args, ...where, ...more);
    assertEquals(first.code, 1, first.err);
    assertStringIncludes(first.err, `${folder}/data/hotpotqa.jsonl:3: is not JSON`);
    assertStringIncludes(first.err, "1 rows could not be used; the rest was evaluated");
    assertMatch(first.out, /\| hotpotqa \| +2 \| +\d+\.\d\d \| +12\.50 \|/);
    const path = `${folder}/out/pred/tiny-full/hotpotqa.jsonl`;
    const answers = await Deno.readTextFile(path);
    const [row] = answers.split("\n").map((line) => line && JSON.parse(line));
    assertEquals(Object.keys(row).slice(0, 4), ["pred", "answers", "all_classes", "length"]);
    await evaluate(...args, ...where, ...more);
    assertEquals(await Deno.readTextFile(path), answers);
    // A prediction file alone is taken in too; its last line was cut off in the middle of the second answer.
    for (const name of ["answers.db", "answers.db-wal", "answers.db-shm"]) {
      await Deno.remove(`${folder}/out/${name}`).catch(() => {});
    }
    await Deno.writeTextFile(path, answers.slice(0, answers.indexOf("\n") + 20));
    await evaluate(...args, ...where, ...more);
    const again = await Deno.readTextFile(path);
    assertEquals(again.split("\n")[0], answers.split("\n")[0]);
    assertEquals(again.trimEnd().split("\n").length, 2);
    const other = await evaluate(...args, ...where, ...more, "--seed", "2");
    assertEquals(other.code, 1);
    assertStringIncludes(other.err, "holds answers made otherwise: seed was 1, now 2");
    assert(await Deno.stat(`${folder}/out/scores.md`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
