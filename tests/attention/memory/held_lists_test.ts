import { assert, assertEquals } from "@std/assert";
import { createMethod, type Knobs, resolveKnobs } from "../../../lib/attention/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { normals, TestLayer } from "../layer.ts";

const SHAPE = { layers: 1, queryHeads: 6, keyValueHeads: 2, headSize: 24 };
const KNOBS: Partial<Knobs> = { globalSize: 8, window: 32, chunkSize: 32, k: 2, spanSize: 8, recallClip: 6 };
/** Two selections and what goes on with them, several rows too; the first token of each step's kind selects. */
const STEPS = [32, 32, 32, 32, 32, 1, 1, 1, 1, 1, 2, 1];

for (const share of ["layer", "kvHead"] as const) {
  for (const positions of ["compact", "original"] as const) {
    gpuTest(`steps go on with a list as it is: shared by ${share}, ${positions} positions`, async (device) => {
      const method = createMethod("reattention", resolveKnobs({ ...KNOBS, share, positions, recallEvery: 4 }), SHAPE);
      const runs: { outputs: Float32Array[]; scopes: number[]; listed: number; raised: number }[] = [];
      // A trace wants each step's whole list, so with one they are listed anew.
      for (const [choice, traced] of [["gathered", true], ["split", true], ["split", false]] as const) {
        device.choices.pick("decode attention", choice);
        using layer = new TestLayer(device, SHAPE, method, { pageTokens: 32, traced });
        const calls = countCalls(device.commands);
        const run = { outputs: [] as Float32Array[], scopes: [] as number[], listed: 0, raised: 0 };
        for (const [step, rows] of STEPS.entries()) {
          const [queries, keys, values] = [6, 2, 2].map((heads, i) =>
            normals(10 * step + i, rows * heads * SHAPE.headSize)
          );
          run.outputs.push(await layer.run({ rows, queries, keys, values }, rows > 2 ? "prefill" : "decode"));
          run.scopes.push(await layer.scope());
        }
        const made = calls();
        run.listed = made.get("collect_indices") ?? 0;
        run.raised = made.get("raise_to") ?? 0;
        runs.push(run);
        device.choices.pick("decode attention", undefined);
      }
      const [gathered, anew, again] = runs;
      assertEquals(again.scopes, gathered.scopes);
      // The same kernels over the same tokens.
      again.outputs.forEach((output, step) => assertClose(output, anew.outputs[step], { absolute: 1e-6 }));
      // Sums in another order, of weighted means of normal numbers.
      again.outputs.forEach((output, step) => assertClose(output, gathered.outputs[step], { absolute: 1e-5 }));
      // Three and two steps behind the two selections of decoding; lists are measured when they are made, and in each such step.
      assertEquals(anew.listed - again.listed, 5);
      assertEquals([gathered.raised, anew.raised], [0, 0]);
      assert(again.raised >= 2 + 5);
    });
  }
}

gpuTest("a sequence that goes back, and a fork, list anew", async (device) => {
  const method = createMethod("reattention", resolveKnobs({ ...KNOBS, recallEvery: 8 }), SHAPE);
  device.choices.pick("decode attention", "split");
  using layer = new TestLayer(device, SHAPE, method, { pageTokens: 32, traced: false });
  const step = (rows: number, seed: number) => {
    const [queries, keys, values] = [6, 2, 2].map((heads, i) => normals(10 * seed + i, rows * heads * SHAPE.headSize));
    return layer.run({ rows, queries, keys, values }, rows > 1 ? "prefill" : "decode");
  };
  for (let i = 0; i < 5; i++) await step(32, i);
  await step(1, 5);
  const [sequence] = layer.cache.sequences;
  const before = sequence.held!;
  const list = before.lists.at(0, sequence.length)!;
  assertEquals([list.newer!.tokens, list.newer!.first], [0, sequence.length]);
  for (const each of [list.indices, list.counts]) each[Symbol.dispose]();
  using fork = before.fork();
  assertEquals(fork.lists.at(0, sequence.length), undefined);
  const first = await step(1, 6);
  layer.cache.truncate(sequence.length - 1);
  // Its list is of a selection behind the one that is held now.
  const second = await step(1, 6);
  assert(sequence.held !== before);
  assertEquals(first.length, second.length);
  device.choices.pick("decode attention", undefined);
});

/** Counts calls by kernel until what it returns is asked. */
function countCalls(commands: { dispatch(call: { kernel: string }): void }): () => Map<string, number> {
  const calls = new Map<string, number>();
  const { dispatch } = Object.getPrototypeOf(commands);
  commands.dispatch = (call) => {
    calls.set(call.kernel, (calls.get(call.kernel) ?? 0) + 1);
    dispatch.call(commands, call);
  };
  return () => {
    Reflect.deleteProperty(commands, "dispatch");
    return calls;
  };
}
