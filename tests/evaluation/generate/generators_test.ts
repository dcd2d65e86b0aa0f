import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  answerInRow,
  commonVocabulary,
  essayWords,
  factsRulerWording,
  makeNeedleGrid,
  makeRetrieval,
  makeRuler,
  ownRulerWording,
  Prose,
  type Question,
  readBook,
  retrievalTasks,
  rulerTasks,
  scoreAnswer,
} from "../../../lib/evaluation/mod.ts";
import { loadTokenizer } from "../../../lib/model/mod.ts";

const tokenizer = await loadTokenizer(new URL("../../../lib/model/demo/", import.meta.url));
const book = await readBook("emma");
const vocabulary = await commonVocabulary();
const ruler = { tokenizer, count: 3, seed: 4, essays: essayWords(book), vocabulary };

function check(questions: readonly Question[], length: number): void {
  for (const { prompt, answerPrefix = "", maxTokens, hidden, references, id } of questions) {
    const tokens = tokenizer.encode(prompt + answerPrefix);
    assert(tokens.length + maxTokens <= length, `${id}: ${tokens.length} tokens`);
    assert(references.length > 0);
    for (const { start, end } of hidden ?? []) assert(tokenizer.decode(tokens.slice(start, end)).trim().length > 4, id);
  }
}

Deno.test("RULER's tasks fit their length, repeat by seed, and tell where needles stand in tokens", () => {
  for (const wording of [ownRulerWording, factsRulerWording]) {
    for (const task of rulerTasks.filter((task) => !task.startsWith("qa"))) {
      const { questions } = makeRuler(task, { ...ruler, wording, length: 1024 });
      check(questions, 1024);
      assertEquals(questions, makeRuler(task, { ...ruler, wording, length: 1024 }).questions);
      const other = makeRuler(task, { ...ruler, wording, length: 1024, seed: 5 }).questions;
      assert(questions[0].prompt !== other[0].prompt, task);
      if (!task.startsWith("niah")) continue;
      for (const { prompt, references, hidden } of questions) {
        const tokens = tokenizer.encode(prompt);
        assertEquals(hidden!.length, references.length);
        for (const [index, { start, end }] of hidden!.entries()) {
          assertStringIncludes(tokenizer.decode(tokens.slice(start, end)), String(references[index]));
        }
      }
    }
  }
});

Deno.test("RULER says which file QA needs, and which length is too short", () => {
  const options = { ...ruler, wording: ownRulerWording, length: 1024 };
  assertThrows(() => makeRuler("qa_1", options), RangeError, "SQuAD");
  assertThrows(() => makeRuler("qa_3", options), RangeError, 'no task "qa_3"');
  assertThrows(() => makeRuler("vt", { ...options, length: 100 }), RangeError, "the smallest sample takes");
});

Deno.test("retrieval questions fit, with depths from the start to the end", () => {
  for (const task of retrievalTasks) {
    const { questions } = makeRetrieval(task, { tokenizer, length: 2048, count: 5, seed: 1 });
    check(questions, 2048);
    const places = questions.map(({ hidden }) => hidden![0].start);
    assertEquals(places, [...places].sort((a, b) => a - b));
    assert(places[0] < 100 && places[4] > 1700, `${task}: ${places}`);
  }
});

Deno.test("needle grids hold each needle where they say, alone or together", () => {
  const prose = new Prose(tokenizer, book);
  for (const together of [false, true]) {
    for (const protocol of ["gkamradt", "needlebench"] as const) {
      const { questions } = makeNeedleGrid({
        tokenizer,
        prose,
        lengths: [512, 2048],
        depths: [0, 0.5, 1],
        together,
        protocol,
        seed: 2,
      });
      assertEquals(questions.length, 6);
      for (const { context, hidden, references } of questions) {
        const { start, end } = hidden![0];
        assertEquals(tokenizer.decode(context!.tokens.slice(start, end)).trim(), references[0]);
      }
      assertEquals(new Set(questions.map(({ context }) => context!.key)).size, together ? 2 : 6);
    }
  }
});

Deno.test("several needles of a cell stand from its depth evenly to the end, and are asked for at once", async () => {
  const prose = new Prose(tokenizer, book);
  const { task, questions } = makeNeedleGrid({
    ...{ tokenizer, prose, lengths: [1024], depths: [0.1, 0.6], perQuestion: 3, seed: 2 },
  });
  assertEquals([task, questions.length], ["multi_gkamradt", 2]);
  for (const { context, hidden, references, prompt, about, maxTokens } of questions) {
    const { tokens } = context!;
    assert(tokens.length + tokenizer.encode(prompt).length + maxTokens <= 1024);
    assertEquals(prompt.match(/What is the/g)?.length, 3);
    const depths = hidden!.map(({ start, end }, index) => {
      assertEquals(tokenizer.decode(tokens.slice(start, end)).trim(), references[index]);
      return start / tokens.length;
    });
    const first = Number(about.depth_percent) / 100;
    // Sentences are moved back to where one before has ended: at most a long sentence.
    for (const [index, depth] of depths.entries()) assert(Math.abs(depth - first - index * (1 - first) / 3) < 0.12);
    const golds = about.gold as string[];
    const row = { ...about, prediction: `It is ${golds[1].split("*")[1]}.` };
    const answer = answerInRow({ benchmark: "needlebench", task }, row)!;
    assertEquals((await scoreAnswer(answer)).score, 100 / 3);
  }
  const shared = { tokenizer, prose, lengths: [1024], depths: [0.5], seed: 2 };
  assertThrows(() => makeNeedleGrid({ ...shared, perQuestion: 2, together: true }), RangeError, "one by one");
  assertThrows(() => makeNeedleGrid({ ...shared, perQuestion: 0 }), RangeError, "perQuestion 0");
});
