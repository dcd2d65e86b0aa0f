import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  AnswerStore,
  type FailedQuestion,
  makeNeedleGrid,
  Prose,
  type Question,
  readBook,
  runQuestions,
  type RunSubject,
} from "../../../lib/evaluation/mod.ts";
import { loadModel, type Model, type Session } from "../../../lib/model/mod.ts";
import { gpuTest, gpuTestWith } from "../../gpu_test_device.ts";

const book = await readBook("emma");

function subjectOf(model: Model): RunSubject<Session> {
  const createSession = () => model.createSession({ method: "reattention-window" });
  return { createSession, tokenizer: model.tokenizer, name: "demo", readsQuestionApart: true };
}

/** Two questions about a context of each length. */
function questionsAt(model: Model, ...lengths: number[]): readonly Question[] {
  const { tokenizer } = model;
  const prose = new Prose(tokenizer, book);
  return makeNeedleGrid({ tokenizer, prose, lengths, depths: [0.2, 0.8], together: true, seed: 1 }).questions;
}

async function withStore(run: (store: AnswerStore, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    using store = await AnswerStore.open(folder);
    await run(store, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const MIB = 2 ** 20;

gpuTestWith(
  { memoryBytes: 40 * MIB },
  "a context past memory is an error for its questions only",
  (device) =>
    withStore(async (store) => {
      using model = await loadModel("demo", { device });
      const questions = questionsAt(model, 512, 65_536, 1024);
      const set = await store.set("answers.jsonl", questions);
      const told: FailedQuestion[] = [];
      const asked = await runQuestions(subjectOf(model), questions, set, {
        mostTokens: Infinity,
        onFailure: (failed) => told.push(failed),
      });
      assertEquals([asked, set.counts()], [6, { done: 4, failed: 2 }]);
      assertEquals(told.map(({ question }) => question.about.context_length), [65_536, 65_536]);
      assertStringIncludes(told[0].message, "MiB");
      assertEquals(set.failures().map(({ id }) => id), questions.slice(2, 4).map(({ id }) => id));
      await set.writePredictions();
      const lines = (await Deno.readTextFile(set.path)).trimEnd().split("\n").map((line) => JSON.parse(line));
      assertEquals(lines.map(({ context_length }) => context_length), [512, 512, 1024, 1024]);
      // A failed question is not asked again until it is told to be.
      assertEquals(set.claim(questions.map(({ id }) => id)), []);
      assertEquals(store.retryFailed(), 2);
      assertEquals(set.claim(questions.map(({ id }) => id)).length, 2);
    }),
);

gpuTest(
  "a run that is stopped gives back what it had in hand, and the next one asks the rest",
  (device) =>
    withStore(async (store) => {
      using model = await loadModel("demo", { device });
      const questions = questionsAt(model, 512, 600);
      const set = await store.set("answers.jsonl", questions);
      const stop = new AbortController();
      const run = (signal?: AbortSignal) =>
        runQuestions(subjectOf(model), questions, set, {
          mostTokens: Infinity,
          signal,
          onAnswer: () => stop.abort(new Error("stopped")),
        });
      await assertRejects(() => run(stop.signal), Error, "stopped");
      assertEquals(set.counts(), { done: 1, failed: 0 });
      assertEquals(await run(), 3);
      assertEquals(set.counts(), { done: 4, failed: 0 });
    }),
);

Deno.test("two stores of one folder never take the same question, and a dead one's are free again", () =>
  withStore(async (store, folder) => {
    const ids = ["a", "b", "c"];
    const questions = ids.map((id) => ({ id }));
    const first = await store.set("x.jsonl", questions);
    {
      using other = await AnswerStore.open(folder);
      const second = await other.set("x.jsonl", questions);
      assertEquals(first.claim(["a"]), ["a"]);
      assertEquals(second.claim(ids), ["b", "c"]);
      second.append({ question: "b", pred: "B" });
      assertEquals(store.heldByOthers(["x.jsonl"]), 1);
      assertEquals(store.heldByOthers(["y.jsonl"]), 0);
      // Another's claim can't be ended.
      first.append({ question: "c", pred: "not mine" });
      assertEquals(second.counts().done, 1);
    }
    assertEquals(store.heldByOthers(["x.jsonl"]), 0);
    assertEquals(first.claim(ids), ["c"]);
    first.append({ question: "a", pred: "A" });
    first.append({ question: "c", pred: "C" });
    await first.writePredictions();
    const lines = (await Deno.readTextFile(`${folder}/x.jsonl`)).trimEnd().split("\n");
    assertEquals(lines.map((line) => JSON.parse(line).pred), ["A", "B", "C"]);
  }));

Deno.test("a prediction file with a line that is no answer is named and left alone", () =>
  withStore(async (store, folder) => {
    await Deno.writeTextFile(`${folder}/x.jsonl`, '{"question": "a"}\n{"other": 1}\n');
    const open = () => store.set("x.jsonl", [{ id: "a" }]);
    await assertRejects(open, RangeError, `${folder}/x.jsonl:2 is no answer of an earlier run`);
    assert((await Deno.readTextFile(`${folder}/x.jsonl`)).includes("other"));
  }));
