import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { zipSync } from "fflate";
import { tinyLlamaFiles } from "../../evaluation/tiny_llama.ts";
import { COMMIT, FakeHub } from "../../model/hub/fake_hub.ts";
import { runScript } from "../run_script.ts";

const fixtures = decodeURIComponent(new URL("../../../../shared/fixtures", import.meta.url).pathname);
const MODEL = "someone/tiny-llama";

const reproduce = (args: readonly string[], env: Record<string, string> = {}) => runScript("reproduce", args, { env });

/** LongBench's data set as the hub has it: one archive. */
async function longBenchZip(...tasks: string[]): Promise<Uint8Array<ArrayBuffer>> {
  const entries = await Promise.all(tasks.map(async (task) => {
    return [`data/${task}.jsonl`, await Deno.readFile(`${fixtures}/longbench/data/${task}.jsonl`)] as const;
  }));
  return new Uint8Array(zipSync(Object.fromEntries(entries)));
}

async function withHub(run: (folder: string, env: Record<string, string>, hub: FakeHub) => Promise<void>) {
  const refs = { main: COMMIT, [COMMIT]: COMMIT };
  await using hub = new FakeHub(MODEL, { refs, files: await tinyLlamaFiles() }, {
    "THUDM/LongBench": { kind: "dataset", refs, files: { "data.zip": await longBenchZip("hotpotqa", "trec", "lcc") } },
  });
  const folder = await Deno.makeTempDir();
  const env = { HF_ENDPOINT: hub.url, HF_HUB_CACHE: `${folder}/cache`, HF_TOKEN: "", HF_HUB_OFFLINE: "" };
  try {
    await run(folder, env, hub);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("reproduce runs a model and a data set of the hub: plan first, columns side by side, resumed", () =>
  withHub(async (folder, env, hub) => {
    const published = { source: "a paper", rows: [{ name: "ReAttention", scores: { trec: 61.5, "some mean": 40 } }] };
    await Deno.writeTextFile(`${folder}/published.json`, JSON.stringify(published));
    const args = [
      ...["--model", MODEL, "--table", "longbench", "--data", `hub,${fixtures}/longbench/config`, "--max-new", "3"],
      ...["--tasks", "hotpotqa,trec,lcc", "--limit", "1", "--out", `${folder}/out`],
      ...["--compare", `${folder}/published.json`],
    ];
    const plan = await reproduce([...args, "--plan"], env);
    assertEquals(plan.code, 0, plan.err);
    assertStringIncludes(plan.out, `it does not run ${MODEL}: settings by its 512 trained tokens`);
    assertStringIncludes(plan.out, "3 tasks, 3 questions by each of 4 columns");
    assertMatch(plan.out, /\| ReAttention 32k \| +\d+ \| +\d+ s \| +\d+ s \| +\d+ MiB \|/);
    assert(!plan.out.includes("answers and scores"));
    const first = await reproduce([...args, "--probe", "0"], env);
    assertEquals(first.code, 0, first.err);
    assertMatch(first.out, /\| trec +\| +1 \|( +\d+\.\d\d \|){4} +61\.50 \|/);
    assertStringIncludes(first.out, "ReAttention (published): some mean 40.00");
    assertStringIncludes(first.out, "Published: a paper");
    const scores = await Deno.readTextFile(`${folder}/out/scores.md`);
    assertStringIncludes(scores, "eval/eval_reattn_long.py");
    const path = `${folder}/out/reattention_32k/pred/tiny-llama-reattention/trec.jsonl`;
    const answers = await Deno.readTextFile(path);
    const sent = hub.sent;
    await reproduce([...args, "--probe", "0"], env);
    assertEquals([await Deno.readTextFile(path), hub.sent], [answers, sent]);
  }));

Deno.test("reproduce names the template file that the hub doesn't have", () =>
  withHub(async (folder, env) => {
    const args = ["--model", MODEL, "--table", "longbench", "--data", "hub", "--out", `${folder}/out`];
    const { code, err } = await reproduce(args, env);
    assertEquals(code, 1);
    assertStringIncludes(err, "config/dataset2prompt.json or dataset2prompt.json is missing");
    assertStringIncludes(err, "it comes from the LongBench repository");
  }));

Deno.test("reproduce says what is wrong with its arguments, exit code 2", async () => {
  for (
    const [args, message] of [
      [["--model", "demo"], "name one with --table"],
      [["--table", "ruler"], "name the model with --model"],
      [["--table", "shortbench", "--model", "demo"], '--table "shortbench" is none'],
      [["--table", "niah", "--model", "demo", "--probe", "x"], '--probe "x" must be a whole number'],
      [["--table", "niah", "--model", "demo", "--lengths", "3"], "--lengths"],
    ] as const
  ) {
    const { code, err } = await reproduce(args);
    assertEquals(code, 2, err);
    assertStringIncludes(err, message);
  }
});
