import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { askNeedle, makeHaystack, Random } from "../../../lib/evaluation/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { loadModel, type Model } from "../../../lib/model/mod.ts";
import { gpuTest, gpuTestWith } from "../../gpu_test_device.ts";

async function haystack({ tokenizer }: Model, length: number, seed: number) {
  const clear = length > 1024 ? 512 : 0;
  const needles = length > 512 ? 8 : 2;
  const made = await makeHaystack({ tokenizer, tokens: length, needles, clear, random: new Random(seed) });
  return { tokens: [...made.tokens], needles: made.needles };
}

async function withModel(device: Device, run: (model: Model) => Promise<void>): Promise<void> {
  using model = await loadModel("demo", { device });
  await run(model);
}

gpuTest(
  "Session finds its needles at 2,048 tokens with ReAttention, and full attention no longer does",
  (device) =>
    withModel(device, async (model) => {
      const { tokens, needles } = await haystack(model, 2048, 11);
      const correct = { "full": 0, "reattention": 0, "reattention-window": 0 };
      for (const method of ["full", "reattention", "reattention-window"] as const) {
        using session = model.createSession({ method, knobs: { allowBeyondTrained: method === "full" } });
        await session.append(tokens);
        for (const needle of needles) {
          using fork = session.fork();
          fork.markQuestion();
          const { prompt, answer } = askNeedle(needle);
          if ((await fork.answer(prompt, { maxTokens: 2 })).trim() === answer) correct[method]++;
          if (method !== "full") assertGreaterOrEqual(512, fork.scope);
        }
        assertEquals(session.beyondTrained, method === "full");
      }
      assertEquals(correct.reattention, 8);
      assertEquals(correct["reattention-window"], 8);
      assertLess(correct.full, 2);
    }),
);

gpuTest(
  "Session's forks go their own way and leave the parent as it was",
  (device) =>
    withModel(device, async (model) => {
      const { tokens, needles } = await haystack(model, 600, 12);
      using session = model.createSession({ method: "reattention", cache: { pageTokens: 64 } });
      await session.append(tokens);
      const question = model.tokenizer.encode(askNeedle(needles[0]).prompt, { addSpecialTokens: false });
      const ask = async () => {
        using fork = session.fork();
        return await fork.generate(question, { maxTokens: 5 });
      };
      const first = await ask();
      using other = session.fork();
      await other.append(tokens.slice(1, 200));
      assertEquals(await ask(), first);
      assertEquals([session.length, other.length], [600, 799]);
    }),
);

gpuTest(
  "Session gives the same tokens however they are cut into batches, and continues after an answer",
  (device) =>
    withModel(device, async (model) => {
      const { tokens } = await haystack(model, 300, 13);
      using whole = model.createSession({ method: "streaming" });
      const expected = await whole.generate(tokens, { maxTokens: 11 });
      using parts = model.createSession({ method: "streaming" });
      await parts.append(tokens.slice(0, -1));
      const first = await parts.generate(tokens.slice(-1), { maxTokens: 5 });
      const second = await parts.generate([], { maxTokens: 6 });
      assertEquals([...first, ...second], expected);
      assertEquals(parts.length, whole.length);
    }),
);

gpuTest("Session drops what was computed past a stop token", (device) =>
  withModel(device, async (model) => {
    const { tokens } = await haystack(model, 130, 14);
    using free = model.createSession({ method: "full" });
    const answer = await free.generate(tokens, { maxTokens: 20 });
    const stop = answer[6];
    const until = answer.indexOf(stop);
    using stopped = model.createSession({ method: "full" });
    assertEquals(await stopped.generate(tokens, { maxTokens: 20, stopTokens: [stop] }), answer.slice(0, until));
    assertEquals(stopped.length, tokens.length + until);
  }));

gpuTest(
  "Session keeps what was delivered when its reader leaves early, and what waited when it refuses",
  (device) =>
    withModel(device, async (model) => {
      const { tokens } = await haystack(model, 130, 17);
      using free = model.createSession({ method: "full" });
      const answer = await free.generate(tokens, { maxTokens: 20 });
      using left = model.createSession({ method: "full" });
      for await (const batch of left.stream(tokens, { maxTokens: 20 })) {
        assertEquals(batch, answer.slice(0, batch.length));
        break;
      }
      assertEquals(left.length, tokens.length + 4);
      const aborted = AbortSignal.abort(new Error("before it began"));
      await assertRejects(() => left.generate([], { maxTokens: 2, signal: aborted }), Error, "before it began");
      await assertRejects(() => left.append([1], { signal: aborted }), Error, "before it began");
      assertEquals(left.length, tokens.length + 4);
      assertEquals(await left.generate([], { maxTokens: 3 }), answer.slice(4, 7));
    }),
);

gpuTest("Session reads back once a batch of tokens, not once a token", (device) =>
  withModel(device, async (model) => {
    using session = model.createSession({ method: "full" });
    const before = device.readBack.reads;
    await session.generate(model.tokenizer.encode("It was the"), { maxTokens: 60 });
    // Batches of 4, 8, 16, 32: four reads for sixty tokens.
    assertEquals(device.readBack.reads - before, 4);
  }));

gpuTest(
  "Session samples by seed: the same one repeats, others differ; top-k 1 is greedy",
  (device) =>
    withModel(device, async (model) => {
      const prompt = model.tokenizer.encode("It was the end of the");
      const sample = async (sampling: Record<string, number>) => {
        using session = model.createSession({ method: "full" });
        return (await session.generate(prompt, { maxTokens: 12, sampling })).join();
      };
      const greedy = await sample({});
      assertEquals(await sample({ temperature: 1, topK: 1, seed: 5 }), greedy);
      assertEquals(await sample({ temperature: 1, topP: 1e-6, seed: 6 }), greedy);
      const drawn = await sample({ temperature: 1, seed: 7 });
      assertEquals(await sample({ temperature: 1, seed: 7 }), drawn);
      assert(await sample({ temperature: 1, seed: 8 }) !== drawn);
      await assertRejects(() => sample({ temperature: -1 }), RangeError, "temperature");
    }),
);

gpuTest(
  "Session lets timers, progress and an abort through during a long prefill, and keeps what was read",
  (device) =>
    withModel(device, async (model) => {
      const { tokens } = await haystack(model, 8192, 15);
      using session = model.createSession({ method: "reattention-window" });
      const controller = new AbortController();
      let ticks = 0;
      const timer = setInterval(() => ticks++, 10);
      const seen: number[] = [];
      const reading = session.append(tokens, {
        signal: controller.signal,
        onProgress: (done, total) => {
          seen.push(done);
          if (done >= total / 4) controller.abort(new Error("stopped by the test"));
        },
      });
      await assertRejects(() => reading, Error, "stopped by the test");
      clearInterval(timer);
      assertGreater(ticks, 3);
      assertEquals(session.length, seen.at(-1));
      assertLess(session.length, tokens.length / 2);
      await session.append(tokens.slice(session.length));
      assertEquals(session.length, tokens.length);
    }),
);

gpuTest(
  "Session refuses a scope past the trained context, saying by how much, unless that is allowed",
  (device) =>
    withModel(device, async (model) => {
      const { tokens } = await haystack(model, 700, 16);
      using full = model.createSession({ method: "full" });
      await assertRejects(() => full.append(tokens), RangeError, "more than the model's trained context of 512");
      assertThrows(
        () => model.createSession({ knobs: { window: 288 } })[Symbol.dispose](),
        RangeError,
        "544 tokens (globalSize 32 + recallClip 7 x spanSize 32 + window 288 at most), 32 more than",
      );
      using wide = model.createSession({ knobs: { window: 288, allowBeyondTrained: true } });
      await wide.append(tokens);
      assert(wide.beyondTrained);
    }),
);

gpuTest(
  "Session refuses tokens outside the vocabulary, empty prompts and two calls at once",
  (device) =>
    withModel(device, async (model) => {
      using session = model.createSession({ method: "full" });
      await assertRejects(
        () => session.append([0, 8192]),
        RangeError,
        "token 8192 at 1 must be a whole number from 0 to 8191",
      );
      await assertRejects(() => session.generate([], { maxTokens: 1 }), RangeError, "prompt is empty");
      await assertRejects(() => session.generate([1], { maxTokens: 0 }), RangeError, "maxTokens 0");
      const first = session.append([0, 1, 2]);
      await assertRejects(() => session.append([3]), Error, "busy");
      await first;
      assertEquals(session.length, 3);
    }),
);

gpuTest(
  "Session streams an answer's text in pieces that join to the whole",
  (device) =>
    withModel(device, async (model) => {
      using one = model.createSession({ method: "full" });
      using two = model.createSession({ method: "full" });
      const pieces: string[] = [];
      for await (const piece of two.streamText("It was the", { maxTokens: 30 })) pieces.push(piece);
      assertEquals(pieces.join(""), await one.answer("It was the", { maxTokens: 30 }));
      assertGreater(pieces.length, 2);
    }),
);

gpuTestWith(
  { memoryBytes: 40 * 2 ** 20 },
  "Session refuses a context that memory can't hold and stays usable",
  (device) =>
    withModel(device, async (model) => {
      using session = model.createSession({ method: "reattention-window" });
      await assertRejects(() => session.append(new Array(100_000).fill(1)), Error, "more do not fit");
      assertEquals(session.length, 0);
      await session.append([0, 1, 2]);
      assertEquals(session.length, 3);
    }),
);
