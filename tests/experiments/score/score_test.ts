import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runScript } from "../run_script.ts";

const goldens = decodeURIComponent(new URL("../../../../shared/goldens/metrics/", import.meta.url).pathname);

const score = (...args: string[]) => runScript("score", args);

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("score --check passes goldens, and names file, line and field of what disagrees", () =>
  withFolder(async (folder) => {
    const good = await score("--check", `${goldens}longbench_qa_f1_zh.jsonl`, `${goldens}truncation.jsonl`);
    assertEquals(good.code, 0, good.err);
    assertMatch(good.out, /^(\d+) of \1 lines agree\n$/);
    const lines = (await Deno.readTextFile(`${goldens}longbench_count.jsonl`)).split("\n").slice(0, 3);
    const wrong = { ...JSON.parse(lines[1]), score: 0.4 };
    await Deno.writeTextFile(`${folder}/x.jsonl`, [lines[0], JSON.stringify(wrong), '{"id":', lines[2]].join("\n"));
    const bad = await score("--check", `${folder}/x.jsonl`);
    assertEquals(bad.code, 1);
    assertStringIncludes(bad.out, `${folder}/x.jsonl:2 longbench_count-1: score is 0.4, computed 0.5`);
    assertStringIncludes(bad.out, `${folder}/x.jsonl:3: is not JSON`);
    assertStringIncludes(bad.out, "2 of 4 lines agree");
  }));

Deno.test("score reads every official layout, averages, and names lines that can't be scored", () =>
  withFolder(async (folder) => {
    const write = async (path: string, rows: unknown[]) => {
      await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${path}`, rows.map((row) => JSON.stringify(row)).join("\n"));
    };
    const row = { answers: ["old mill"], all_classes: null };
    await write("pred/m/hotpotqa.jsonl", [{ ...row, pred: "The old mill", length: 9 }, {
      ...row,
      pred: "",
      length: 9,
    }]);
    await write("pred/m/musique.jsonl", [{ ...row, pred: "old", length: 9 }, { pred: 7, answers: [] }]);
    await write("pred_e/m/qasper.jsonl", [{ ...row, pred: "old mill", length: 5000 }]);
    await write("Predictions/exam_eval/m/tpo.pred.jsonl", [{ query: "?", gt: "B", m_pred: "B.", evaluation: "exam" }]);
    await write("results/m/preds_math_find.jsonl", [{ id: 0, prediction: "95.", ground_truth: [95] }]);
    await write("m/synthetic/4096/pred/vt.jsonl", [{ index: 0, pred: "ABC", outputs: ["abc", "DEF"] }]);
    await write("m/synthetic/8192/pred/vt.jsonl", [{ index: 0, pred: "", outputs: ["abc"] }]);
    const { code, out, err } = await score(folder, "--json", `${folder}/scores.json`);
    assertEquals(code, 1);
    assertMatch(out, /\| hotpotqa +\| longbench +\| +2 \| +1 \| +50\.00 \|/);
    assertMatch(out, /English, multi-doc QA \(2 of 3\): 58\.34/);
    assertMatch(out, /\| qasper .*0-4k none, 4-8k 100\.00, 8k\+ none \|/);
    assertMatch(out, /\| tpo .* 100\.00 \|/);
    assertMatch(out, /\| math_find .* 100\.00 \|/);
    assertMatch(out, /mean over 2 lengths: 25\.00\nweighted towards longer ones \(wAvg inc\): 16\.67/);
    assertStringIncludes(out, `${folder}/pred/m/musique.jsonl:2: pred must be text, not 7`);
    assertStringIncludes(err, "1 lines could not be scored");
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/scores.json`)).length, 7);
  }));

Deno.test("score says what is wrong with its arguments", async () => {
  for (
    const [args, code, message] of [
      [[], 2, "name a file or folder of predictions"],
      [["--check"], 2, "name at least one file to check"],
      [["x", "--rules", "mine"], 2, '--rules "mine" must be official or opencompass'],
      [["/nowhere/at/all"], 1, "there is no file or folder /nowhere/at/all"],
    ] as const
  ) {
    const result = await score(...args);
    assertEquals(result.code, code);
    assertStringIncludes(result.err, message);
  }
});
