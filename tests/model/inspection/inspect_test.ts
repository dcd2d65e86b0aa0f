import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { defineScorer, headRecall } from "../../../lib/attention/mod.ts";
import { askNeedle, makeHaystack, Random } from "../../../lib/evaluation/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { headOf, loadModel, type Model } from "../../../lib/model/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest } from "../../gpu_test_device.ts";

/** A haystack of 2,048 tokens with one needle asked for. */
async function question({ tokenizer }: Model, seed: number) {
  const made = await makeHaystack({ tokenizer, tokens: 2048, needles: 8, clear: 512, random: new Random(seed) });
  const needle = made.needles[2];
  const { prompt, answer } = askNeedle(needle);
  return { tokens: [...made.tokens], needle, prompt, answer: ` ${answer}` };
}

async function withModel(device: Device, run: (model: Model) => Promise<void>): Promise<void> {
  using model = await loadModel("demo", { device });
  await run(model);
}

gpuTest(
  "Session.inspect agrees with the trace, keeps the session as it was, and finds the needle",
  (device) =>
    withModel(device, async (model) => {
      const { tokens, needle, prompt, answer } = await question(model, 21);
      using session = model.createSession({ method: "reattention", trace: true });
      await session.append(tokens);
      const watch = needle.valueTokenIndices;
      const found = await session.inspect(prompt, { answer, watch, rows: "all", before: false });
      assertEquals(session.length, tokens.length);
      const asked = model.tokenizer.encode(prompt, { addSpecialTokens: false });
      const given = model.tokenizer.encode(answer, { addSpecialTokens: false });
      assertEquals([found.method, found.promptStart, found.tokens.length], [
        "reattention",
        tokens.length,
        tokens.length + asked.length + given.length,
      ]);
      assertEquals(session.text(0, 40), model.tokenizer.decode(tokens.slice(0, 40)));
      // Every token of the prompt and the answer's but for its last, each once.
      const places = found.steps.flatMap(({ queries }) => [...queries]);
      assertEquals(places, Array.from({ length: asked.length + given.length - 1 }, (_, i) => tokens.length + i));
      // The step that predicts the answer's first token: what heads voted for is what the trace recorded.
      using fork = session.fork();
      await fork.generate(asked, { maxTokens: 1 });
      const traced = (await fork.readTrace()).at(-1)!;
      const step = found.steps.find(({ start }) => start === tokens.length + asked.length - 1)!;
      assertEquals([step.kind, step.start, step.length], [traced.kind, traced.start, traced.length]);
      for (const layer of step.layers) {
        const other = traced.layers[layer.layer];
        assertEquals(layer.selected, other);
        for (const { head, picks: [{ tokens, scores }] } of layer.votes) {
          const pick = other.picks.find((own) => own.head === head)!;
          assertEquals([...tokens], [...pick.tokens]);
          assertClose(scores, pick.scores, { absolute: 1e-4, relative: 1e-5 });
        }
        for (const { after } of layer.heads) assertEquals([...after.positions], [...other.groups[0].indices]);
      }
      const recall = headRecall(step.layers.flatMap(({ votes }) => votes), [4]);
      assertGreater(Math.max(...recall.map(({ recall }) => recall)), 0.49);
      assertLess(recall[0].chance, 0.01);
      assertGreater(found.answer!.logProbability, -1);
    }),
);

gpuTest(
  "Session.inspect: without selection attention before and after is the same, and rows are its queries'",
  (device) =>
    withModel(device, async (model) => {
      using session = model.createSession({ method: "full" });
      await session.append(
        model.tokenizer.encode("It rained all day. The secret code of Zena is 482 913. Then it snowed."),
      );
      const prompt = " Question: What is the secret code of Zena? Answer: The secret code of Zena is";
      const found = await session.inspect(prompt, { layers: [1, 3], heads: [0, 5], rows: [-2, -1], scores: true });
      const single = await session.inspect(prompt, { layers: 3, heads: 5, rows: [-2] });
      assertEquals(found.steps.length, 2); // one in the prompt, and the answer's first
      for (const { layers } of found.steps) {
        assertEquals(layers.map(({ layer }) => layer), [1, 3]);
        for (const { heads } of layers) {
          for (const { after, before, scores } of heads) {
            assertClose(after.weights, before!.weights, { absolute: 1e-6 });
            assertAlmostEquals(after.weights.reduce((sum, weight) => sum + weight), 1, 1e-5);
            // Scores and weights are of the same attention.
            const { rotated } = scores!;
            const [a, b] = [0, 5];
            const ratio = Math.log(after.weights[a] / after.weights[b]) * Math.sqrt(model.config.headSize);
            assertAlmostEquals(ratio, rotated[a] - rotated[b], 1e-2);
          }
        }
      }
      assertEquals(headOf(single, 3, 5).after.weights, headOf(found, 3, 5, 0).after.weights);
      await assertRejects(
        () => session.inspect(prompt, { layers: [9] }),
        RangeError,
        "layer 9 must be a whole number from 0 to 3",
      );
      await assertRejects(() => session.inspect(prompt, { heads: [] }), RangeError, "empty list");
      await assertRejects(() => session.inspect(prompt, { rows: [99] }), RangeError, "row 99");
      await assertRejects(() => session.inspect("", {}), RangeError, "the prompt is empty");
    }),
);

gpuTest(
  "Session.logProbability is the log-softmax of what logits say, and generation's first choice is the likeliest",
  (device) =>
    withModel(device, async (model) => {
      using session = model.createSession({ method: "full" });
      const { tokenizer, config: { vocabularySize } } = model;
      await session.append(tokenizer.encode("The secret code of Zena is 482 913. It rained."));
      const prompt = tokenizer.encode(
        " Question: What is the secret code of Zena? Answer: The secret code of Zena is",
        {
          addSpecialTokens: false,
        },
      );
      const answer = tokenizer.encode(" 482 913", { addSpecialTokens: false });
      const found = await session.logProbability(prompt, " 482 913");
      using fork = session.fork();
      const logits = await fork.logits([...prompt, ...answer]);
      answer.forEach((token, index) => {
        const row = logits.subarray((prompt.length - 1 + index) * vocabularySize).subarray(0, vocabularySize);
        const total = row.reduce((sum, logit) => sum + Math.exp(logit), 0);
        assertAlmostEquals(found.tokens[index], row[token] - Math.log(total), 1e-3);
      });
      assertAlmostEquals(found.logProbability, found.tokens[0] + found.tokens[1], 1e-9);
      using writer = session.fork();
      assertEquals(await writer.generate(prompt, { maxTokens: 2 }), answer);
      assertEquals(writer.tokens, [...session.tokens, ...prompt, ...answer]);
      assertEquals(writer.tokens.length, writer.length);
      using other = writer.fork();
      await other.append(answer);
      assertEquals(other.tokens, [...writer.tokens, ...answer]);
      assertEquals(other.text(other.length - 4, other.length), " 482 913 482 913");
    }),
);

gpuTest(
  "SessionBatch's sessions know the ids of what they read and wrote",
  (device) =>
    withModel(device, async (model) => {
      using batch = model.createBatch(2, { method: "full" });
      const texts = [
        "The secret code of Zena is 482 913.",
        "It rained. The secret code of Otto is 551 207. It snowed.",
      ];
      const contexts = texts.map((text) => model.tokenizer.encode(text));
      await batch.append(contexts);
      const prompts = ["Zena", "Otto"].map((name) => {
        return model.tokenizer.encode(
          ` Question: What is the secret code of ${name}? Answer: The secret code of ${name} is`,
          {
            addSpecialTokens: false,
          },
        );
      });
      const answers = await batch.generate(prompts, { maxTokens: 2 });
      batch.sessions.forEach((session, index) => {
        assertEquals(session.tokens, [...contexts[index], ...prompts[index], ...answers[index]]);
      });
    }),
);

gpuTest(
  "Session.intervene: an answer falls with its needle, not with what was not selected, and rises when it is forced",
  (device) =>
    withModel(device, async (model) => {
      const { tokens, needle, prompt, answer } = await question(model, 22);
      using session = model.createSession({ method: "reattention-window" });
      await session.append(tokens);
      const forbid = { start: needle.tokenIndex - 2, end: needle.tokenIndex + needle.tokenCount + 2 };
      const [taken, layers, heads] = await session.interveneEach({ prompt, answer }, [
        { forbid },
        { forbid, layer: [0, 1, 2, 3] },
        { forbid, head: Array.from({ length: model.config.queryHeads }, (_, head) => head) },
      ]);
      assertGreater(taken.before.logProbability, -1);
      assertLess(taken.change, -2);
      assertAlmostEquals(taken.change, taken.after.logProbability - taken.before.logProbability, 1e-12);
      // A token that no layer looks at while it answers can be taken away.
      const { steps } = await session.inspect(prompt, {
        answer,
        rows: [-1, model.tokenizer.encode(prompt, { addSpecialTokens: false }).length],
        before: false,
      });
      const seen = new Set(steps.flatMap(({ layers }) => layers.flatMap(({ heads }) => [...heads[0].after.positions])));
      const start = tokens.findIndex((_, token) => !seen.has(token));
      const unseen = await session.intervene({ prompt, answer, forbid: { start, end: start + 1 }, during: "answer" });
      assertEquals(unseen.change, 0);
      assertAlmostEquals(layers.change, taken.change, 1e-6);
      // The same sums, but each head's output is taken from the changed list by itself.
      assertAlmostEquals(heads.change, taken.change, 1e-4);
      const answering = await session.intervene({ prompt, answer, forbid, during: "answer" });
      assertLess(answering.change, -2);
      // The usual answer is the right one.
      assertAlmostEquals((await session.intervene({ prompt, forbid })).before.tokens[0], taken.before.tokens[0], 1e-6);

      using windowed = model.createSession({ method: "streaming" });
      await windowed.append(tokens);
      const forced = await windowed.intervene({ prompt, answer, force: forbid });
      assertGreater(forced.change, 5);
      assertEquals(forced.beyondTrained, false);
      const away = { start: forbid.start + 200, end: forbid.end + 200 };
      const swapped = await windowed.intervene({ prompt, answer, replace: { from: away, to: forbid } });
      assertAlmostEquals(swapped.change, forced.change, 1e-5); // what it replaces was not attended to
      const much = await windowed.intervene({ prompt, answer, force: { start: 40, end: 600 } });
      assertEquals([much.beyondTrained, much.scope > 512], [true, true]);
      await assertRejects(() => session.intervene({ prompt, answer }), RangeError, "give tokens to force");
      const wrong = { start: 5, end: 5 };
      await assertRejects(
        () => session.intervene({ prompt, answer, forbid: wrong }),
        RangeError,
        "forbid: tokens 5 to 5",
      );
      await assertRejects(() => session.intervene({ prompt, answer, forbid, head: 8 }), RangeError, "head 8");
    }),
);

gpuTest(
  "Session.spanEffects ranks the needle's span first, beside controls that hardly matter",
  (device) =>
    withModel(device, async (model) => {
      const { tokens, needle, prompt, answer } = await question(model, 23);
      using session = model.createSession({ method: "reattention-window" });
      await session.append(tokens);
      const options = { prompt, answer, during: "answer" as const, controls: 3 };
      const { effects, logProbability } = await session.spanEffects({ ...options, random: new Random(4) });
      const [value] = needle.valueTokenIndices;
      assert(effects[0].start <= value && value < effects[0].end, JSON.stringify(effects[0]));
      assertLess(effects[0].change, -2);
      assertGreater(effects[0].votes, 0);
      assertEquals(effects.filter(({ kind }) => kind === "window").length, 3);
      assertEquals(effects.filter(({ kind }) => kind === "random").length, 3);
      for (const { kind, change } of effects) {
        if (kind === "random") assertGreater(change, effects[0].change / 2);
      }
      assertGreater(logProbability, -1);
      const again = await session.spanEffects({ ...options, random: new Random(4) });
      assertEquals(again.effects, effects);
      const perLayer = await session.spanEffects({ ...options, perLayer: true, controls: 0, layers: [3] });
      assert(perLayer.effects.every(({ layers }) => layers.join() === "3"));
      await assertRejects(() => session.spanEffects(options), RangeError, "give random");
      using full = model.createSession({ method: "full" });
      await full.append(tokens.slice(0, 100));
      await assertRejects(() => full.spanEffects({ ...options, controls: 0 }), RangeError, "nothing was selected");
    }),
);

gpuTest(
  "a session selects by a scorer of one's own, in both forms, as by q . k",
  (device) =>
    withModel(device, async (model) => {
      const { tokens, prompt } = await question(model, 24);
      const wgsl = `fn score(at: At) -> f32 {
      var sum = vec4<f32>();
      for (var c = 0u; c < D4; c++) { sum = fma(query(c), key(c), sum); }
      return (sum.x + sum.y) + (sum.z + sum.w);
    }`;
      const scorings = [
        "qk",
        defineScorer("session-wgsl", { wgsl }),
        defineScorer("session-typescript", { score: (scores) => scores }),
      ] as const;
      const found = [];
      for (const scoring of scorings) {
        using session = model.createSession({ method: "reattention-window", knobs: { scoring }, trace: true });
        await session.append(tokens);
        const answer = await session.answer(prompt, { maxTokens: 3 });
        const selected = (await session.readTrace()).filter(({ kind }) => kind === "select").map(({ layers }) =>
          layers.map(({ groups }) => groups.map(({ centers }) => [...centers]))
        );
        found.push({ answer, selected });
      }
      assertEquals(found[1], found[0]);
      assertEquals(found[2], found[0]);
    }),
);
