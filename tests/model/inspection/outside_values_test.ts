import { assertEquals, assertGreater, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type CacheOptions,
  defineScorer,
  type Knobs,
  type MethodName,
  valuesPlaces,
} from "../../../lib/attention/mod.ts";
import { Random } from "../../../lib/evaluation/mod.ts";
import { loadModel, type Model, type Session } from "../../../lib/model/mod.ts";
import { writeTinyLlama } from "../../evaluation/tiny_llama.ts";
import { gpuTestWith } from "../../gpu_test_device.ts";

const tokensFrom = (seed: number, count: number) =>
  Array.from({ length: count }, (_, index) => (seed + index * 7919) % 8000);
const small = { globalSize: 8, window: 64, spanSize: 8, recallClip: 8, chunkSize: 32, allowBeyondTrained: true };

// Values from outside are gathered before attention; the other way to decode sums in another order.
const gathered = { choices: { "decode attention": "gathered" } };

/** A test with a tiny random model of two KV heads. */
function tinyTest(name: string, run: (model: Model) => Promise<void>): void {
  gpuTestWith(gathered, name, async (device) => {
    const folder = await Deno.makeTempDir();
    try {
      await writeTinyLlama(folder, 512, { query: 4, keyValue: 2, size: 8 });
      using model = await loadModel(folder, { device });
      await run(model);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** Does the same with values on the GPU, in host memory and in a file, and says that it finds the same. */
async function everywhere(
  model: Model,
  options: { method: MethodName; knobs: Partial<Knobs>; cache?: CacheOptions },
  act: (session: Session) => Promise<unknown>,
): Promise<unknown> {
  const found: unknown[] = [];
  for (const valuesOn of valuesPlaces) {
    const file = valuesOn === "file" && { valuesFile: { hotBytes: 50_000 } };
    using session = model.createSession({ ...options, cache: { ...options.cache, valuesOn, ...file } });
    await session.append(tokensFrom(3, 300));
    found.push(await act(session));
    assertEquals(session.length, 300);
  }
  for (const other of found.slice(1)) assertEquals(other, found[0]);
  return found[0];
}

const cases = fc.record({
  method: fc.constantFrom<MethodName>("reattention", "reattention", "full", "streaming", "random", "quest"),
  pageTokens: fc.constantFrom(16, 256),
  knobs: fc.record<Partial<Knobs>>({
    share: fc.constantFrom("layer", "kvHead"),
    positions: fc.constantFrom("compact", "original"),
    scoring: fc.constantFrom("qk", "k", "qk_pe"),
    recallEvery: fc.constantFrom(1, 3),
  }),
});

tinyTest("Session.inspect finds the same wherever values lie", async (model) => {
  const run = fc.asyncProperty(cases, async ({ method, knobs, pageTokens }) => {
    const options = { method, knobs: { ...knobs, ...small }, cache: { pageTokens } };
    await everywhere(model, options, async (session) => {
      const all = { layers: [0, 1], heads: [0, 2], rows: "all", scores: true, watch: [40], answer: [5, 6] } as const;
      return await session.inspect(tokensFrom(9, 7), all);
    });
  });
  await fc.assert(run, { seed: 5, numRuns: 4 });
});

tinyTest("Session.intervene changes an answer alike wherever values lie", async (model) => {
  const run = fc.asyncProperty(cases, async ({ method, knobs, pageTokens }) => {
    const options = { method, knobs: { ...knobs, ...small }, cache: { pageTokens } };
    const effects = await everywhere(model, options, async (session) => {
      const question = { prompt: tokensFrom(9, 7), answer: [5, 6] };
      return await session.interveneEach(question, [
        { force: { start: 100, end: 130 } },
        { forbid: { start: 240, end: 290 }, head: [1, 2], layer: 1 },
        { replace: { from: { start: 250, end: 260 }, to: { start: 20, end: 35 } }, head: 3 },
      ]);
    }) as { change: number }[];
    for (const { change } of effects.slice(1)) assertNotEquals(change, 0);
  });
  await fc.assert(run, { seed: 6, numRuns: 3 });
  await everywhere(model, { method: "reattention", knobs: small }, async (session) => {
    const random = new Random(1);
    return await session.spanEffects({ prompt: tokensFrom(9, 7), answer: [5], controls: 2, random });
  });
});

tinyTest(
  "scorers of one's own that read keys work wherever values lie, those that read values are refused",
  async (model) => {
    const keys = "fn score(at: At) -> f32 { return dot(query(0u), key(0u)); } // value(c) is not asked for";
    const scorers = [
      defineScorer("outside-keys", { wgsl: keys }),
      defineScorer("outside-host", { score: (scores) => scores.map((score) => score * score) }),
    ];
    for (const scoring of scorers) {
      const logits = await everywhere(
        model,
        { method: "reattention", knobs: { ...small, scoring } },
        async (session) => {
          const { steps } = await session.inspect([5, 6, 7], { layers: 1, heads: 1 });
          using fork = session.fork();
          return {
            votes: steps.map(({ layers }) => layers.map(({ votes }) => votes)),
            logits: await fork.logits([5, 6, 7]),
          };
        },
      ) as { logits: Float32Array };
      assertGreater(logits.logits.length, 0);
    }
    const values = defineScorer("outside-values", { wgsl: "fn score(at: At) -> f32 { return value(0u).x; }" });
    const open = () => model.createSession({ knobs: { ...small, scoring: values }, cache: { valuesOn: "host" } });
    assertThrows(open, RangeError, 'scores of the type "own:outside-values"; use valuesOn "gpu"');
  },
);

tinyTest(
  "a method that does not attend over listed tokens can't be inspected or intervened in, with one error",
  async (model) => {
    for (const valuesOn of valuesPlaces) {
      using session = model.createSession({ method: "self-extend", knobs: small, cache: { valuesOn } });
      await session.append(tokensFrom(3, 200));
      const look = () => session.inspect([5, 6]);
      await assertRejects(look, Error, "inspect: this method does not attend over listed tokens");
      const change = () => session.intervene({ prompt: [5, 6], answer: [7], forbid: { start: 20, end: 90 } });
      await assertRejects(change, RangeError, "intervene: nothing could be changed: the method self-extend");
    }
  },
);

tinyTest("with keys outside the GPU a session is intervened in and traced alike, and not inspected", async (model) => {
  const far = { own: { block: 8, blocks: 4, local: 48, representatives: 4, far: "compact" } };
  for (const [method, own] of [["streaming", {}], ["infllm", far]] as const) {
    const found: unknown[] = [];
    for (const keysOn of valuesPlaces) {
      using session = model.createSession({ method, knobs: { ...small, ...own }, trace: true, cache: { keysOn } });
      await session.append(tokensFrom(3, 300));
      const question = { prompt: tokensFrom(9, 7), answer: [5, 6] };
      const effect = await session.intervene({ ...question, force: { start: 100, end: 130 }, head: 1 });
      assertNotEquals(effect.change, 0);
      found.push([effect, (await session.readTrace()).map(({ layers }) => layers)]);
      if (keysOn === "gpu") continue;
      await assertRejects(() => session.inspect([5, 6]), RangeError, `which lie elsewhere (keysOn "${keysOn}")`);
    }
    for (const other of found.slice(1)) assertEquals(other, found[0]);
  }
});
