import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { zipSync } from "fflate";
import {
  hasInfiniteBenchLengths,
  loadInfiniteBench,
  loadLEval,
  loadLongBench,
  MissingFileError,
  readJsonLines,
  Release,
} from "../../../lib/evaluation/mod.ts";

const fixtures = decodeURIComponent(new URL("../../../../shared/fixtures", import.meta.url).pathname);

for (const [name, load] of [["longbench", loadLongBench], ["infinitebench", loadInfiniteBench]] as const) {
  Deno.test(`${name}: prompts are exactly those expected of the fixtures`, async () => {
    const release = await Release.open(`${fixtures}/${name}`);
    let prompts = 0;
    for (const read of await readJsonLines(`${fixtures}/${name}/expected_prompts.jsonl`)) {
      assert("value" in read);
      const { file, row, prompt } = read.value as { file: string; row: number; prompt: string };
      const { questions, faults } = await load(release, file.replace(/^data\/|\.jsonl$/g, ""));
      assertEquals([questions[row].prompt, faults.length], [prompt, 0], `${file} ${row}`);
      prompts++;
    }
    assert(prompts > 20);
  });
}

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a bad line is told with file and line number, a zip archive is read, and the rest is loaded", () =>
  withFolder(async (folder) => {
    const text = await Deno.readTextFile(`${fixtures}/longbench/data/hotpotqa.jsonl`);
    const [first, second] = text.split("\n");
    const lines = [first, '{"input": ', '{"input": "x", "context": 7}', "", second].join("\n");
    await Deno.writeFile(`${folder}/data.zip`, zipSync({ "data/hotpotqa.jsonl": new TextEncoder().encode(lines) }));
    const release = await Release.open(folder, `${fixtures}/longbench`);
    await Deno.writeTextFile(`${folder}/x`, "");
    const only = await Release.open(folder, `${fixtures}/longbench/config`);
    const { questions, faults } = await loadLongBench(only, "hotpotqa");
    assertEquals(questions.map(({ id }) => id), ["1", "5"]);
    assertEquals(faults.map(({ line }) => line), [2, 3]);
    assertMatch(faults[0].file, /data\.zip:data\/hotpotqa\.jsonl$/);
    assertMatch(faults[1].message, /context must be text, not 7/);
    assertEquals((await loadLongBench(release, "hotpotqa")).faults, []);
  }));

Deno.test("a missing file is named with where it comes from", () =>
  withFolder(async (folder) => {
    const empty = await Release.open(folder);
    const prompts = () => loadLongBench(empty, "hotpotqa");
    await assertRejects(prompts, MissingFileError, "config/dataset2prompt.json or dataset2prompt.json is missing");
    await assertRejects(prompts, MissingFileError, "it comes from the LongBench repository");
    const config = await Release.open(`${fixtures}/longbench/config`);
    await assertRejects(() => loadLongBench(config, "hotpotqa"), MissingFileError, "hotpotqa.jsonl is missing");
    await assertRejects(() => loadInfiniteBench(empty, "passkey"), MissingFileError, "src/prompt.py");
    const leval = await Release.open(`${fixtures}/leval`);
    await assertRejects(() => loadLEval(leval, "tpo"), MissingFileError, "Baselines/LEval_config.py");
    assertEquals((await loadLEval(leval, "sci_fi", { prompts: "plain" })).questions.length, 2);
  }));

Deno.test("prompts are taken out of Python sources without running them", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/src`);
    await Deno.writeTextFile(
      `${folder}/src/prompt.py`,
      'yarn_mistral_templates = {\n    # a comment\n    "passkey": "{context}\\n" + "{input} \\"=\\"",  # noqa\n}\n',
    );
    await Deno.writeTextFile(`${folder}/src/eval_utils.py`, 'DATA_NAME_TO_MAX_NEW_TOKENS = {"passkey": 9}\n');
    const row = { id: 3, context: "{input}", input: "?", answer: ["1"], options: [] };
    await Deno.writeTextFile(`${folder}/passkey.jsonl`, JSON.stringify(row));
    const { questions: [question] } = await loadInfiniteBench(await Release.open(folder), "passkey");
    assertEquals([question.prompt, question.maxTokens], ['{input}\n? "="', 9]);
  }));

Deno.test("infinitebench: a folder that says how long answers may be is told from one that doesn't", () =>
  withFolder(async (folder) => {
    await Deno.copyFile(`${fixtures}/infinitebench/passkey.jsonl`, `${folder}/passkey.jsonl`);
    assertEquals(hasInfiniteBenchLengths(await Release.open(folder)), false);
    await Deno.writeTextFile(`${folder}/dataset2maxlen.json`, '{"passkey": 7}');
    const release = await Release.open(folder, `${fixtures}/infinitebench`);
    assertEquals(hasInfiniteBenchLengths(release), true);
    assertEquals((await loadInfiniteBench(release, "passkey")).questions[0].maxTokens, 7);
  }));
