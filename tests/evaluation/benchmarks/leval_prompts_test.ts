import { assertEquals, assertRejects } from "@std/assert";
import { loadLEval, MissingFileError, Release } from "../../../lib/evaluation/mod.ts";

const fixtures = decodeURIComponent(new URL("../../../../shared/fixtures/leval", import.meta.url).pathname);

/** Scripts in the layout of L-Eval's own, with invented words. */
const CONFIG = `import os

def get_sys_prompt(args, file_name):
    if "tpo" in file_name:
        sys_prompt = "Letters only."
    elif "exam_eval" in args.metric:
        sys_prompt = """Closed, \\
short."""
    elif "codeU" in file_name:
        sys_prompt = "never reached"
    else:
        sys_prompt = "Open."
    return sys_prompt
`;
const SCRIPT = `B_INST, E_INST = "<i>", "</i>"
B_SYS, E_SYS = "<s>", "</s>\\n"

for file_name in files:
    if "gsm" in file_name or "codeU" in file_name:
        message = B_INST + B_SYS + sys_prompt + E_SYS + document + "\\n\\n" + inst
    elif args.metric == "exam_eval":
        context = "Text: {document}\\nAsk: {inst} "
        message = B_INST + B_SYS + sys_prompt + E_SYS + context
        message += "\\nSo:"
    else:
        context = "Text: {document}\\nDo: {inst} in {len(out.split())} words"
    if "sci_fi" in file_name:
        text_inputs = inst.replace("based on the world described in the document.", "based on the real-world knowledge.")
`;

async function withScripts(config: string, script: string, run: (release: Release) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/Baselines`);
    await Deno.writeTextFile(`${folder}/Baselines/LEval_config.py`, config);
    await Deno.writeTextFile(`${folder}/Baselines/llama2-chat-test.py`, script);
    await run(await Release.open(folder, fixtures));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A prompt with the document left out. */
async function shape(release: Release, task: string): Promise<string> {
  const { questions: [{ prompt, shortening }] } = await loadLEval(release, task);
  const document = shortening.kind === "words" ? shortening.document : "";
  return prompt.replace(document, "DOC");
}

Deno.test("L-Eval's prompts are put together from its own scripts", () =>
  withScripts(CONFIG, SCRIPT, async (release) => {
    const tpo = await shape(release, "tpo");
    assertEquals(tpo.startsWith("<i><s>Letters only.</s>\nText: DOC\nAsk: "), true);
    assertEquals(tpo.endsWith(" </i>\nSo:"), true);
    assertEquals((await shape(release, "quality")).startsWith("<i><s>Closed, short.</s>\nText: DOC"), true);
    // Examples stay open, and the first branch that holds counts: exam before codeU.
    assertEquals((await shape(release, "codeU")).startsWith("<i><s>Closed, short.</s>\nDOC\n\n"), true);
    assertEquals((await shape(release, "codeU")).includes("</i>"), false);
    const topic = await shape(release, "topic_retrieval_longchat");
    assertEquals([topic.startsWith("<i><s>Closed, short.</s>\nDOC\n\n"), topic.endsWith("</i>")], [true, true]);
    const { questions: [open] } = await loadLEval(release, "gov_report_summ");
    const words = String(open.references[0]).split(/\s+/).length;
    assertEquals(open.prompt.endsWith(` in ${words} words</i>`), true);
    assertEquals(open.prompt.startsWith("<i><s>Open.</s>\nText: "), true);
    const { questions: [fiction] } = await loadLEval(release, "sci_fi");
    assertEquals(fiction.second?.endsWith("\nAnswer:"), true);
  }));

Deno.test("L-Eval's scripts that look otherwise are named, with what was not found", async () => {
  const load = (config: string, script: string) =>
    withScripts(config, script, async (release) => void await loadLEval(release, "tpo"));
  await assertRejects(() => load("x = 1\n", SCRIPT), RangeError, "it has no get_sys_prompt");
  await assertRejects(() => load(CONFIG, "x = 1\n"), RangeError, "it does not write the messages as expected");
  const unmarked = SCRIPT.replace("B_SYS, E_SYS", "SYS");
  await assertRejects(() => load(CONFIG, unmarked), RangeError, "it does not set B_SYS, E_SYS");
  const uncued = SCRIPT.replace("message +=", "note =");
  await assertRejects(() => load(CONFIG, uncued), RangeError, "what ends a closed task's message");
  await assertRejects(() => load(CONFIG, uncued), RangeError, "LEval_config.py and ");
  const release = await Release.open(fixtures);
  await assertRejects(() => loadLEval(release, "tpo"), MissingFileError, "Baselines/LEval_config.py");
});
