import { assertEquals, assertStringIncludes } from "@std/assert";
import { resolveKnobs } from "../../../lib/attention/mod.ts";
import { publishedFor } from "../../../experiments/reproduce/published.ts";
import { readingSeconds, tokensToProbe } from "../../../experiments/reproduce/probe.ts";
import { paperSettings, tableNames } from "../../../experiments/reproduce/settings.ts";
import { renderTables } from "../../../experiments/reproduce/tables.ts";
import { workloadOf } from "../../../experiments/reproduce/workload.ts";
import type { ScoredSet } from "../../../experiments/evaluate/report.ts";
import { parseEvaluateArguments } from "../../../experiments/evaluate/arguments.ts";

Deno.test("a model of the release's scripts gets their settings, another one those of models trained alike", () => {
  const llama = paperSettings("longbench", { name: "meta-llama/Meta-Llama-3-8B", trainedContext: 8192 });
  assertEquals(llama.source, "OpenMOSS/ReAttention, commit a62514f, eval/eval_reattn_long.py");
  assertEquals(llama.columns.map(({ name, maxLength }) => [name, maxLength]), [
    ["full 8k", 7500],
    ["NTK 32k", 31_500],
    ["streaming 32k", 31_500],
    ["ReAttention 32k", 31_500],
  ]);
  const long = paperSettings("longbench", { name: "mistralai/Mistral-7B-v0.3", trainedContext: 32_768 });
  assertEquals(long.columns.map(({ name }) => name), ["full 32k", "streaming 32k", "ReAttention 32k"]);
  assertEquals([long.columns[2].knobs.window, long.columns[2].knobs.recallClip], [8192, 256]);
  const other = paperSettings("infinitebench", { name: "./own", trainedContext: 131_072 });
  assertStringIncludes(other.source, "it does not run ./own: settings by its 131,072 trained tokens");
  assertEquals(other.columns.length, 6);
});

Deno.test("ReAttention's scope fits what a model was trained for, in every table", () => {
  for (const trainedContext of [512, 8192, 32_768, 131_072]) {
    for (const table of tableNames) {
      for (const { method, knobs } of paperSettings(table, { name: "x", trainedContext }).columns) {
        if (method !== "reattention") continue;
        const { globalSize, window, spanSize, recallClip } = resolveKnobs(knobs);
        const scope = globalSize + window + spanSize * recallClip;
        assertEquals(scope <= trainedContext, true, `${table}: ${scope} of ${trainedContext}`);
      }
    }
  }
});

Deno.test("published scores have a source each, and none is given for a model that has none", () => {
  const [{ source, rows }] = publishedFor("ruler", "Qwen/Qwen2-7B-Instruct");
  assertStringIncludes(source, "eval_xrliu_re_attention_ruler.py");
  assertEquals(rows[0].scores, { 4096: 93.66, 8192: 88.38, 16384: 84.27, 32768: 81.36 });
  assertEquals(publishedFor("longbench", "Qwen/Qwen2-7B-Instruct"), []);
});

Deno.test("RULER's published means stand beside ours by length", () => {
  const set = (task: string, length: number, score: number): ScoredSet => ({
    ...{ path: "", method: "full", column: "full", task, length },
    score: { benchmark: "ruler", task, score, answers: 1, empty: 0, scores: [score] },
  });
  const scored = [set("vt", 4096, 80), set("cwe", 4096, 60), set("vt", 8192, 50)];
  const tables = renderTables(scored, publishedFor("ruler", "Qwen/Qwen2-7B-Instruct"));
  const rows = tables.split("\n").filter((line) => /^\| (4|8),\d+ /.test(line)).map((line) =>
    line.match(/[\d.]+\.\d\d/g)
  );
  assertEquals(rows, [["70.00", "93.66"], ["50.00", "88.38"]]);
});

Deno.test("an estimate counts each prompt once, cut or not, and every answer at its longest", async () => {
  const tokenizer = { encode: (text: string) => [...text].map(() => 1), decode: () => "" };
  const question = (prompt: string, second?: string) => ({ prompt, second, maxTokens: 7 });
  const load = () => Promise.resolve({ task: "t", faults: [], questions: [question("abcd"), question("ab", "x")] });
  const size = { questions: 22, prompts: 2, maxTokens: 550 };
  const never = () => Promise.reject(new Error("made"));
  const planned = [{ task: "t", load }, { task: "n", length: 512, size, load: never }];
  const asked = parseEvaluateArguments(["--benchmark", "niah"]);
  const workload = await workloadOf(planned as never, asked, { tokenizer } as never);
  assertEquals(workload, {
    tasks: 2,
    questions: 24,
    groups: [
      { prompts: 1, tokens: 4, maxTokens: 7 },
      { prompts: 2, tokens: 2, maxTokens: 7 },
      { prompts: 2, tokens: 512, maxTokens: 550 },
    ],
  });
  // Tokens cost more the deeper they stand: 10 at 1 s, and 0.2 s more for each token before.
  assertEquals(readingSeconds({ base: 1, slope: 0.2, answer: 0, bytes: 0, measured: 0 }, 10), 20);
  const column = paperSettings("niah", { name: "x", trainedContext: 8192 }).columns[0];
  assertEquals([tokensToProbe(column, 100_000), tokensToProbe(column, 3000)], [2 * 8192, 3000]);
});
