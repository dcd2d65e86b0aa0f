import { assert, assertEquals, assertRejects } from "@std/assert";
import { commonVocabulary, makeRuler, ownRulerWording, readQaData } from "../../../lib/evaluation/mod.ts";
import { loadTokenizer } from "../../../lib/model/mod.ts";

const tokenizer = await loadTokenizer(new URL("../../../lib/model/demo/", import.meta.url));
const vocabulary = await commonVocabulary();

/** SQuAD 2.0 and HotpotQA in their own fields, with invented texts. */
const squad = {
  version: "v2.0",
  data: Array.from({ length: 12 }, (_, number) => ({
    title: `Lamps ${number}`,
    paragraphs: [{
      context: `The lamp of house ${number} is made of metal ${number}.`,
      qas: [
        {
          id: `a${number}`,
          question: `What is lamp ${number} made of?`,
          is_impossible: false,
          answers: [{ text: `metal ${number}`, answer_start: 3 }, { text: `metal ${number}`, answer_start: 3 }],
        },
        { id: `b${number}`, question: "Who made it?", is_impossible: true, answers: [] },
      ],
    }],
  })),
};
const hotpot = [1, 2, 3, 4, 5, 6].map((number) => ({
  _id: `h${number}`,
  question: `Which town lies beyond bridge ${number}?`,
  answer: `Town ${number}`,
  supporting_facts: [[`Bridge ${number}`, 0]],
  context: [[`Bridge ${number}`, [`Bridge ${number} leads on.`, ` Beyond lies Town ${number}.`]], [`Shared`, [
    "Rain.",
  ]]],
}));

async function withFile(value: unknown, run: (path: string) => Promise<unknown>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, typeof value === "string" ? value : JSON.stringify(value));
    await run(path);
  } finally {
    await Deno.remove(path);
  }
}

const options = (length: number) => ({
  ...{ tokenizer, vocabulary, essays: [], wording: ownRulerWording },
  ...{ count: 4, seed: 3, length },
});

Deno.test("RULER's QA reads a SQuAD file: answerable questions, each with its document among others", () =>
  withFile(squad, async (path) => {
    const data = await readQaData(path);
    assertEquals([data.items.length, data.documents.length], [12, 12]);
    assertEquals(data.items[3].answers, ["metal 3"]);
    const { questions } = makeRuler("qa_1", { ...options(400), qa: { qa_1: data } });
    for (const [index, { prompt, answerPrefix = "", references, hidden, maxTokens }] of questions.entries()) {
      const tokens = tokenizer.encode(prompt + answerPrefix);
      assert(tokens.length + maxTokens <= 400);
      assertEquals(references, [`metal ${index}`]);
      assert(prompt.includes("Document 2:") && prompt.includes(`What is lamp ${index} made of?`));
      const [{ start, end }] = hidden!;
      assert(tokenizer.decode(tokens.slice(start, end)).includes(`metal ${index}`));
      assertEquals(prompt.split(`house ${index} is`).length, 2, "each document stands once");
    }
    // No more documents than there are, however long it may be.
    const { questions: [longest] } = makeRuler("qa_1", { ...options(8192), qa: { qa_1: data } });
    assertEquals(longest.prompt.match(/Document \d+:/g)?.length, 12);
  }));

Deno.test("RULER's QA reads a HotpotQA file: documents that several questions have stand once", () =>
  withFile(hotpot, async (path) => {
    const data = await readQaData(path);
    assertEquals(data.documents.length, 7);
    assertEquals(data.items[0].gold.map((number) => data.documents[number]), [
      "Bridge 1\nBridge 1 leads on. Beyond lies Town 1.",
      "Shared\nRain.",
    ]);
    const { questions } = makeRuler("qa_2", { ...options(300), qa: { qa_2: data } });
    for (const [index, { prompt, references }] of questions.entries()) {
      assertEquals(references, [`Town ${index + 1}`]);
      assert(prompt.includes(`Beyond lies Town ${index + 1}.`) && prompt.includes("Rain."));
    }
  }));

Deno.test("a QA file that is neither is named", async () => {
  await withFile(
    { data: [] },
    (path) => assertRejects(() => readQaData(path), RangeError, `${path} holds no question`),
  );
  await withFile({ questions: [] }, (path) => assertRejects(() => readQaData(path), RangeError, "neither a SQuAD"));
  await withFile("{", (path) => assertRejects(() => readQaData(path), RangeError, "is not JSON"));
});
