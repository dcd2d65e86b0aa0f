import { assert, assertEquals } from "@std/assert";
import { Prose } from "../../../lib/evaluation/mod.ts";
import { askOwnText, expectedAnswer, hideOwn, KNOWN_FORMS } from "../../../experiments/demo/own_text.ts";
import { loadModel } from "../../../lib/model/mod.ts";
import { vocabulary } from "../../evaluation/needle/fake_session.ts";
import { gpuTest } from "../../gpu_test_device.ts";

/** A text of this test's own: no sentence of it is in the training's books or the evaluation's. */
const text = Array.from(
  { length: 70 },
  (_, day) =>
    `On day ${
      day + 1
    } the ferry left late because of fog. The baker sold rye bread to the crew, and nobody complained.\n` +
    `A boy counted ${day % 7} gulls on the pier while his sister drew a map of the harbour with chalk.`,
).join("\n");

Deno.test("expectedAnswer is what the question lacks", () => {
  assertEquals(
    KNOWN_FORMS.map(([needle, question]) => expectedAnswer(needle, question)),
    ["482 913", "482913", "482 913", "harbour", "482 913"],
  );
  assertEquals(expectedAnswer("Remember that Otto's garage word is walnut.", "What is Otto's garage word?"), "walnut");
  assertEquals(expectedAnswer("Zena is here.", "Is Zena here?"), "");
});

Deno.test("hideOwn puts the needle behind a sentence near the middle", () => {
  const prose = new Prose(vocabulary, text);
  const { tokens, needle } = hideOwn(vocabulary, prose, "The code of Zena is 482 913. ", 400);
  assertEquals(vocabulary.decode(tokens.slice(needle.start, needle.end)), " The code of Zena is 482 913.");
  assert(needle.start > 130 && needle.start <= 201, `starts at ${needle.start}`);
  assert(vocabulary.decode(tokens.slice(0, needle.start)).endsWith("."));
});

gpuTest("askOwnText finds each form that it lists in a text it never saw", async (device) => {
  using model = await loadModel("demo", { device });
  for (const [needle, question] of KNOWN_FORMS) {
    const own = { prose: new Prose(model.tokenizer, text), needle, question, answer: expectedAnswer(needle, question) };
    const { answers, known } = await askOwnText(model, own, ["reattention-window"]);
    const told = `${needle} ${question} ${JSON.stringify(answers.map(({ said }) => said))}`;
    assert(known, told);
    assertEquals(answers.map(({ method, right }) => [method, right]), [
      ["full", true],
      ["reattention-window", true],
    ], told);
    assert(answers[1].length > 2048 && answers[1].scope <= 512 && answers[1].picture !== undefined);
  }
});

gpuTest("askOwnText stops where the model can't answer even at 512 tokens", async (device) => {
  using model = await loadModel("demo", { device });
  const own = {
    prose: new Prose(model.tokenizer, text),
    needle: "Grandmother prefers tea.",
    question: "Why?",
    answer: "prefers tea",
  };
  const { answers, known } = await askOwnText(model, own, ["reattention-window"]);
  assertEquals([known, answers.map(({ method }) => method)], [false, ["full"]]);
});
