import { assertEquals, assertRejects } from "@std/assert";
import {
  hasOpenCompassPrompts,
  loadInfiniteBench,
  loadLEval,
  loadLongBench,
  openCompassPrompt,
  Release,
} from "../../../lib/evaluation/mod.ts";

const fixtures = decodeURIComponent(new URL("../../../../shared/fixtures", import.meta.url).pathname);

/** A config in OpenCompass's layout, with invented prompts. */
const config = (prompts: string, place: string, most: number) =>
  `from opencompass.openicl.icl_prompt_template import PromptTemplate

X_infer_cfg = dict(
    prompt_template=dict(
        type=PromptTemplate,
        template=dict(
${prompts}
                dict(role='BOT', prompt=''),
            ], )),
    inferencer=dict(type=GenInferencer, max_out_len=${most})
)

X_datasets = [dict(type=X, abbr='X', ${place}, infer_cfg=X_infer_cfg)]
`;
const system = (text: string) =>
  `            begin=[
                dict(role='SYSTEM', fallback_role='HUMAN', prompt='${text}'),
            ],
`;
const human = (text: string) => `            round=[\n                dict(role='HUMAN', prompt=${text}),`;

async function withConfigs(files: Record<string, string>, run: (release: Release) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      const path = `${folder}/opencompass/configs/datasets/${name}`;
      await Deno.mkdir(path.replace(/[^/]+$/, ""), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    const data = ["longbench", "leval", "infinitebench"].map((name) => `${fixtures}/${name}`);
    await run(await Release.open(folder, ...data));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("OpenCompass's prompts are joined by line ends, with its lengths, in the version that is in use", () => {
  const tpo = (text: string) => config(system("It\\'s long.") + human(`'${text}'`), "name='tpo'", 10);
  return withConfigs({
    "leval/levaltpo/leval_tpo_gen_111111.py": tpo("Doc {context}\\nAsk {question} {length}"),
    "leval/levaltpo/leval_tpo_gen_222222.py": tpo("never used"),
    "leval/levaltpo/leval_tpo_gen.py": "from .leval_tpo_gen_111111 import LEval_tpo_datasets  # noqa: F401, F403\n",
  }, async (release) => {
    assertEquals([hasOpenCompassPrompts(release, "leval"), hasOpenCompassPrompts(release, "longbench")], [true, false]);
    const { questions: [question] } = await loadLEval(release, "tpo", { rules: "opencompass" });
    const { document, query } = { document: question.prompt.split("\nAsk")[0], query: question.about.query };
    assertEquals(question.prompt, `${document}\nAsk ${query} 1`);
    assertEquals(document.startsWith("It's long.\nDoc Mara Quill"), true);
    assertEquals([question.maxTokens, question.shortening], [10, { kind: "tokens", rule: "exact_middle" }]);
    assertEquals(await openCompassPrompt(release, "leval", "quality"), undefined);
    // Without its rules nothing of it is taken.
    const plain = await loadLEval(release, "tpo", { prompts: "plain" });
    assertEquals(plain.questions[0].maxTokens, 512);
  });
});

Deno.test("LongBench and InfiniteBench take OpenCompass's configs by its rules", () =>
  withConfigs({
    "longbench/longbenchqasper/longbench_qasper_gen_6b3efc.py": config(
      human("'Read {context}'\n 'and say {input}\\n\\n'"),
      "path='X/LongBench', name='qasper'",
      32,
    ),
    "infinitebench/infinitebenchenmc/infinitebench_enmc_gen_abcdef.py": config(
      human('"{context}{question}{option_A}"'),
      "path='./data/InfiniteBench/longbook_choice_eng.jsonl'",
      41,
    ),
  }, async (release) => {
    const { questions: [qasper] } = await loadLongBench(release, "qasper", { rules: "opencompass" });
    assertEquals([qasper.prompt.startsWith("Read "), qasper.prompt.endsWith("\n\n"), qasper.maxTokens], [
      true,
      false,
      32,
    ]);
    const { questions: [choice] } = await loadInfiniteBench(release, "longbook_choice_eng", { rules: "opencompass" });
    assertEquals(choice.maxTokens, 41);
    // A task without a config keeps the release's own prompt.
    const own = await loadLongBench(release, "trec");
    const other = await loadLongBench(release, "trec", { rules: "opencompass" });
    assertEquals(other.questions[0].maxTokens, own.questions[0].maxTokens);
  }));

Deno.test("a config that is written otherwise is named", () =>
  withConfigs(
    { "leval/levaltpo/leval_tpo_gen_111111.py": "X = dict(name='tpo', prompt=make_prompt())\n" },
    async (release) => {
      const load = () => loadLEval(release, "tpo", { rules: "opencompass" });
      await assertRejects(load, RangeError, "leval_tpo_gen_111111.py: it does not write its prompts as expected");
    },
  ));
