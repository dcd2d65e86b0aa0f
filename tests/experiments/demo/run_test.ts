import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { TraceStep } from "../../../lib/attention/mod.ts";
import { planJobs } from "../../../experiments/demo/plan.ts";
import { type DemoModel, type DemoSession, runJobs } from "../../../experiments/demo/run.ts";
import { FakeSession, vocabulary } from "../../evaluation/needle/fake_session.ts";

const context = { trainedContext: 512, software: true };

const memory = { peakBytes: 1, resetPeak() {} };
const step = (rows: number, start: number): TraceStep => ({
  ...{ step: 0, kind: "select", frozen: false, start, rows, length: start + rows },
  layers: [{
    picks: [],
    layer: 0,
    groups: [{
      indices: Uint32Array.of(0, start),
      centers: new Uint32Array(),
      votes: new Uint32Array(),
      globalCount: 1,
      windowStart: start,
    }],
  }],
});

class TracedSession extends FakeSession implements DemoSession {
  override fork(): TracedSession {
    return new TracedSession(this.vocabulary, this.calls, this.knows, [...this.tokens]);
  }
  readTrace(): Promise<readonly TraceStep[]> {
    const length = this.tokens.length;
    return Promise.resolve([step(13, length), step(1, length + 13), step(1, length + 14)]);
  }
}

function fakeModel(): DemoModel & { traced: boolean[] } {
  const traced: boolean[] = [];
  return {
    traced,
    createSession: ({ trace }) => {
      traced.push(trace);
      return new TracedSession(vocabulary, [], () => true);
    },
    tokenizer: vocabulary,
  };
}

Deno.test("runJobs gives a row per job, in order, as they are done", async () => {
  const jobs = planJobs({ lengths: [512, 600] }, context);
  const seen: string[] = [];
  const { rows } = await runJobs(fakeModel(), memory, jobs, {
    seed: 3,
    onRow: ({ method, length }) => seen.push(`${method} ${length}`),
  });
  assertEquals(seen, jobs.map(({ method, length }) => `${method} ${length}`));
  assertEquals(rows.map(({ exact, seed }) => [exact, seed]), jobs.map(() => [1, 3]));
  assertEquals(rows.filter((row) => row.allowBeyondTrained).map(({ method, length }) => [method, length]), [[
    "full",
    600,
  ]]);
  assertEquals(FakeSession.live, 0);
});

Deno.test("runJobs pictures the step that wrote the first token of a middle needle's answer, and traces nothing else", async () => {
  const jobs = planJobs({ lengths: [512], methods: ["full", "reattention"] }, context);
  const model = fakeModel();
  const { picture } = await runJobs(model, memory, jobs, { seed: 1 });
  assert(picture);
  assertEquals(model.traced, [...new Array(5).fill(false), ...new Array(5).fill(true)]);
  assertEquals([picture.method, picture.questionStart, picture.cached], ["reattention", 448, 462]);
  assertEquals(
    picture.text(picture.needle.start, picture.needle.end),
    `The secret code of ${picture.answer.name} is ${picture.answer.expected}.`,
  );
  assertMatch(picture.text(picture.questionStart, Infinity), new RegExp(`^Question: .*${picture.answer.name}`));
  assert(picture.answer.depth > 0.4 && picture.answer.depth < 0.8);
});

Deno.test("runJobs has no picture where no method selects", async () => {
  const jobs = planJobs({ lengths: [512], methods: ["full"] }, context);
  assertEquals((await runJobs(fakeModel(), memory, jobs, { seed: 1 })).picture, undefined);
});

Deno.test("runJobs ends by the signal", async () => {
  const stop = new AbortController();
  const options = { seed: 1, signal: stop.signal, onRow: () => stop.abort() };
  const run = runJobs(fakeModel(), memory, planJobs({ lengths: [512] }, context), options);
  await assertRejects(() => run, DOMException);
  assertEquals(FakeSession.live, 0);
});
