import { assert, assertEquals } from "@std/assert";
import { contestants, EIGHTH } from "../../../experiments/compare/contestants.ts";
import { labels, planJobs } from "../../../experiments/compare/plan.ts";
import { createMethod, methodNames, presets, resolveKnobs } from "../../../lib/attention/mod.ts";

const SHAPE = { layers: 4, queryHeads: 8, keyValueHeads: 4, headSize: 32, trainedContext: 512 };

Deno.test("every method takes part beyond the trained context, with as many settings as any other", () => {
  assertEquals(labels().filter((label) => (methodNames as string[]).includes(label)), [...methodNames]);
  for (const regime of ["inside", "beyond"] as const) {
    for (const { label, trials } of contestants(regime, 2048)) {
      assertEquals(trials.length, label === "full" ? 1 : 3, label);
      assertEquals(
        new Set(trials.map((knobs) => JSON.stringify(knobs))).size,
        trials.length,
        `${label}: settings differ`,
      );
    }
  }
});

Deno.test("all settings can be made; inside, a decode step attends to at most an eighth", () => {
  for (const [regime, length] of [["inside", 512], ["beyond", 1024], ["beyond", 2048], ["beyond", 65536]] as const) {
    for (const { label, method, trials } of contestants(regime, length)) {
      if (method === "bm25" || typeof method === "object") continue;
      for (const knobs of trials) {
        const made = createMethod(method, resolveKnobs(knobs, presets.demo), SHAPE);
        const step = { length, rows: 1, phase: "decode", first: false, questionStart: length - 40 } as const;
        // What the oracle is told comes later; SnapKV, as published, only forgets when the prompt was read.
        if (regime === "beyond" || ["full", "oracle"].includes(method) || method.startsWith("snapkv")) continue;
        assert(made.scopeBound(step) <= EIGHTH, `${label} ${JSON.stringify(knobs)}: ${made.scopeBound(step)}`);
      }
    }
  }
});

Deno.test("planJobs keeps software adapters from contexts that would take hours, unless methods are asked for", () => {
  const lengthsOf = (label: string, software: boolean) =>
    new Set(
      planJobs({ quick: false }, software).filter((job) => job.contestant.label === label).map(({ length }) => length),
    );
  assertEquals([...lengthsOf("full", true)], [512, 2048]);
  assertEquals([...lengthsOf("streaming", true)], [512, 2048, 8192, 32768, 65536]);
  assertEquals([...lengthsOf("full", false)], [512, 2048, 8192, 32768, 65536]);
  const asked = planJobs({ quick: true, methods: ["full"], lengths: [8192] }, true);
  assertEquals(asked.map(({ contestant: { label }, length, tuning }) => [label, length, tuning]), [["full", 8192, 0]]);
  for (const { haystacks, needles, questionsPerNeedle, variant } of planJobs({ quick: false }, false)) {
    assert(haystacks * needles * questionsPerNeedle >= 50);
    // Five wordings of a plain question; a chain is asked for in one.
    assert(questionsPerNeedle <= (variant === "plain" ? 5 : 1));
  }
});
