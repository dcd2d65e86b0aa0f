import { assert, assertEquals, assertThrows } from "@std/assert";
import { agreementBySteps } from "../../../experiments/bench/agreement.ts";
import type { Approximation } from "../../../experiments/bench/approximations.ts";
import { demoKnobs } from "../../../experiments/bench/groups/model_cases.ts";
import { measureQuality } from "../../../experiments/bench/quality.ts";
import { Device } from "../../../lib/gpu/mod.ts";
import { loadModel } from "../../../lib/model/mod.ts";
import type { TraceStep } from "../../../lib/attention/mod.ts";

/** A step that attends to tokens 0 and 1, what is given, and 90 to 99; one list for each layer. */
function step(start: number, ...layers: number[][]): TraceStep {
  const list = (tokens: number[]) =>
    Uint32Array.from([0, 1, ...tokens, ...Array.from({ length: 10 }, (_, i) => 90 + i)]);
  return {
    step: start,
    kind: "select",
    frozen: false,
    start,
    rows: 1,
    length: start + 1,
    layers: layers.map((tokens, layer) => ({
      layer,
      picks: [],
      groups: [{
        indices: list(tokens),
        centers: Uint32Array.of(),
        votes: Uint32Array.of(),
        globalCount: 2,
        windowStart: 90,
      }],
    })),
  };
}

Deno.test("agreementBySteps counts what exact selection picked, and neither leading tokens nor window", () => {
  const exact = [step(99, [10, 11, 12, 13], [20, 21]), step(100, [30, 31], [40])];
  assertEquals(agreementBySteps(exact, exact), [1, 1]);
  const other = [step(99, [10, 11, 12, 50], [20, 60, 61, 62]), step(100, [31, 32], [41])];
  assertEquals(agreementBySteps(exact, other), [(3 / 4 + 1 / 2) / 2, 1 / 4]);
  assertThrows(
    () => agreementBySteps(exact, [exact[0]]),
    RangeError,
    "steps at 99+1 are not those of exact selection, 99+1 100+1",
  );
  assertThrows(
    () => agreementBySteps([step(99, [])], [step(99, [3])]),
    RangeError,
    "step at 99 picked nothing in layer 0",
  );
});

Deno.test("measureQuality gives exact selection 1, what follows it nearly, and what picks nothing 0", async () => {
  const ways: Approximation[] = [
    { name: "exact", knobs: {} },
    { name: "recallEvery 4", knobs: { recallEvery: 4 } },
    { name: "int8 keys", knobs: {}, keyType: "int8" },
    { name: "sinks and window only", knobs: { k: 0 } },
  ];
  using device = await Device.open();
  const before = device.memory.liveBytes;
  const found = await (async () => {
    using model = await loadModel("demo", { device });
    const about = { modelName: "demo", knobs: demoKnobs, lengths: [1600], haystacks: 1, needles: 2, steps: 8, seed: 3 };
    return await measureQuality(model, ways, about);
  })();
  assertEquals(device.memory.liveBytes, before);
  const [exact, held, int8, none] = ways.map((way) => found.get(way)!);
  const { steps, questions, lengths } = exact;
  assertEquals({ steps, questions, lengths }, { steps: 8, questions: 2, lengths: [1600] });
  assertEquals([exact.agreement, exact.leastAgreement, exact.accuracy], [1, 1, exact.accuracyOfExact]);
  assert(held.agreement < 1 && held.agreement > 0.3, `recallEvery 4 agrees ${held.agreement}`);
  assert(int8.agreement < 1 && int8.agreement > 0.7, `int8 keys agree ${int8.agreement}`);
  assertEquals([none.agreement, none.accuracy], [0, 0]);
  assertEquals(exact.accuracyOfExact, none.accuracyOfExact);
});
