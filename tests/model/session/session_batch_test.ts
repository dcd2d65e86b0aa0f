import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { loadModel, type SessionOptions } from "../../../lib/model/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";

/** Prompts of different lengths; the first stays below the demo preset's scope, the last selects from 600 tokens. */
const LENGTHS = [40, 330, 900];

function prompts(vocabulary: number): number[][] {
  return LENGTHS.map((length, index) =>
    Array.from({ length }, (_, i) => (7919 * (i + 31 * index) + 13 * i * i) % vocabulary)
  );
}

const options: SessionOptions[] = [
  { method: "reattention" },
  { method: "reattention", knobs: { recallEvery: 3, window: 192, chunkSize: 32 } },
  { method: "reattention", knobs: { queryCacheLength: 4 } },
  { method: "reattention-window", knobs: { share: "kvHead" } },
  { method: "streaming" },
  { method: "full", knobs: { allowBeyondTrained: true } },
];

gpuTest("a batch of sequences of different lengths answers as each of them alone", async (device) => {
  using model = await loadModel("demo", { device });
  const all = prompts(model.config.vocabularySize);
  for (const option of options) {
    const alone: number[][] = [];
    for (const prompt of all) {
      using session = model.createSession(option);
      alone.push(await session.generate(prompt, { maxTokens: 13, stopTokens: [] }));
    }
    using batch = model.createBatch(all.length, option);
    await batch.append(all.map((prompt) => prompt.slice(0, 30)));
    batch.markQuestion();
    using again = model.createBatch(all.length, option);
    assertEquals(await again.generate(all, { maxTokens: 13, stopTokens: [] }), alone, JSON.stringify(option));
    assertEquals(again.sessions.map(({ length }) => length), LENGTHS.map((length) => length + 13));
    assertEquals(batch.sessions.map(({ length }) => length), LENGTHS.map(() => 30));
    if (option.method !== "full") assert(again.scope <= 512, `scope ${again.scope}`);
  }
});

gpuTest("a batch's sequences stop on their own, and go on alone or together", async (device) => {
  using model = await loadModel("demo", { device });
  const all = prompts(model.config.vocabularySize);
  using free = model.createBatch(3);
  const whole = await free.generate(all, { maxTokens: 24, stopTokens: [] });
  const stop = whole[1][5];
  const until = whole.map((answer) => answer.includes(stop) ? answer.indexOf(stop) : 24);
  using batch = model.createBatch(3);
  const stopped = await batch.generate(all, { maxTokens: 24, stopTokens: [stop] });
  assertEquals(stopped, whole.map((answer, index) => answer.slice(0, until[index])));
  assertEquals(batch.sessions.map(({ length }) => length), LENGTHS.map((length, index) => length + until[index]));
  using parts = model.createBatch(3);
  const first = await parts.generate(all, { maxTokens: 6, stopTokens: [] });
  const second = await parts.sessions[2].generate([], { maxTokens: 9, stopTokens: [] });
  assertEquals([...first[2], ...second], whole[2].slice(0, 15));
  const third = await parts.generate([[], [], []], { maxTokens: 4, stopTokens: [] });
  assertEquals(third[0], whole[0].slice(6, 10));
  assertEquals(third[2], whole[2].slice(15, 19));
});

gpuTest(
  "a batch refuses other numbers of prompts, empty ones and counts that are none, and keeps what it has",
  async (device) => {
    using model = await loadModel("demo", { device });
    assertThrows(() => model.createBatch(0), RangeError, "count 0 must be a whole number of at least 1");
    using batch = model.createBatch(2);
    await assertRejects(() => batch.append([[1]]), RangeError, "1 lists of tokens for a batch of 2 sessions");
    await assertRejects(() => batch.generate([[1, 2], []], { maxTokens: 2 }), RangeError, "prompt 1 is empty");
    await assertRejects(() => batch.append([[1], [99999999]]), RangeError, "99999999");
    assertEquals(batch.sessions.map(({ length }) => length), [0, 0]);
    const aborted = AbortSignal.abort(new Error("not now"));
    await assertRejects(() => batch.generate([[1], [2, 3]], { maxTokens: 2, signal: aborted }), Error, "not now");
    assertEquals((await batch.generate([[4, 5], [6]], { maxTokens: 3, stopTokens: [] })).map(({ length }) => length), [
      3,
      3,
    ]);
  },
);
