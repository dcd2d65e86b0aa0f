import { assert, assertEquals, assertRejects } from "@std/assert";
import { exactMatchInterval, type NeedleProgress, parseDemoRow, runNeedleTask } from "../../lib/evaluation/mod.ts";
import { FakeSession, fakeSubject } from "./fake_session.ts";

const task = { method: "full", length: 512, haystacks: 2, questionsPerHaystack: 8, seed: 1 };

Deno.test("runNeedleTask scores a subject that finds every needle", async () => {
  const subject = fakeSubject(() => true);
  const row = await runNeedleTask(subject, task);
  assertEquals([row.exact, row.questions, row.haystacks, row.length, row.method], [1, 16, 2, 512, "full"]);
  assertEquals({ low: row.low, high: row.high }, exactMatchInterval(16, 16));
  assertEquals([row.scope, row.peakBytes, row.needlesPerContext, row.allowBeyondTrained], [450, 1000, 8, false]);
  assertEquals(parseDemoRow(JSON.parse(JSON.stringify(row))), row);
});

Deno.test("runNeedleTask counts what is not exactly right as wrong", async () => {
  const even = (name: string) => Number(name.slice(1)) % 2 === 0;
  const { answers, exact } = await runNeedleTask(fakeSubject(even), task);
  const right = answers.filter(({ name }) => even(name)).length;
  assert(right > 0 && right < 16, `this seed has ${right} even names of 16`);
  assertEquals(exact, right / 16);
  for (const { name, correct, answer, expected } of answers) {
    assertEquals(correct, even(name));
    assertEquals(answer, even(name) ? expected : "question :");
  }
});

Deno.test("runNeedleTask reads each haystack once, asks from forks, and gives everything back", async () => {
  const subject = fakeSubject(() => true);
  await runNeedleTask(subject, { ...task, questionsPerHaystack: 2 });
  const haystack = ["append 496", "fork", "question at 496", "fork", "question at 496"];
  assertEquals(subject.calls, ["reset peak", ...haystack, ...haystack]);
  assertEquals(FakeSession.live, 0);
});

Deno.test("runNeedleTask asks for needles spread over the depth", async () => {
  const { answers } = await runNeedleTask(fakeSubject(() => true), { ...task, haystacks: 1, questionsPerHaystack: 4 });
  const depths = answers.map(({ depth }) => Math.floor(8 * depth));
  assertEquals(depths, [0, 2, 4, 6]);
});

Deno.test("runNeedleTask asks every method the same", async () => {
  const [one, other] = [
    await runNeedleTask(fakeSubject(() => true), task),
    await runNeedleTask(fakeSubject(() => false), task),
  ];
  const asked = (row: typeof one) => row.answers.map(({ name, expected, depth }) => ({ name, expected, depth }));
  assertEquals(asked(one), asked(other));
  const seeded = await runNeedleTask(fakeSubject(() => true), { ...task, seed: 2 });
  assert(JSON.stringify(asked(seeded)) !== JSON.stringify(asked(one)));
});

Deno.test("runNeedleTask takes reading and asking as its time, by the clock it is given", async () => {
  let clock = 0;
  const subject = fakeSubject(() => true);
  const row = await runNeedleTask(subject, task, {
    now: () => clock += 250,
    onAnswer: () => {
      clock += 1e6;
    },
  });
  // Two readings and sixteen answers, a quarter of a second each.
  assertEquals(row.seconds, 4.5);
  assertEquals(row.tokensPerSecond, 2 * 496 / 0.5);
});

Deno.test("runNeedleTask reports progress that rises to its end", async () => {
  const seen: NeedleProgress[] = [];
  await runNeedleTask(fakeSubject(() => true), task, { onProgress: (progress) => seen.push({ ...progress }) });
  const total = 2 * (496 + 8 * 16);
  assert(seen.every((progress) => progress.total === total));
  for (let i = 1; i < seen.length; i++) assert(seen[i].done >= seen[i - 1].done);
  assertEquals(seen.at(-1), { haystack: 1, phase: "asking", done: total, total });
});

Deno.test("runNeedleTask hands over the fork that answered", async () => {
  const lengths: number[] = [];
  await runNeedleTask(fakeSubject(() => true), { ...task, haystacks: 1 }, {
    onAnswer: ({ session, needle, context, answer }) => {
      lengths.push(session.tokens.length);
      assertEquals(context.words[needle.tokenIndex + 3], answer.name);
    },
  });
  assertEquals(lengths, new Array(8).fill(496));
});

Deno.test("runNeedleTask ends by the signal and gives everything back", async () => {
  const stop = new AbortController();
  const run = runNeedleTask(fakeSubject(() => true), task, {
    signal: stop.signal,
    onProgress: ({ haystack }) => haystack === 1 && stop.abort(new Error("enough")),
  });
  await assertRejects(() => run, Error, "enough");
  assertEquals(FakeSession.live, 0);
});

Deno.test("runNeedleTask says which count is wrong", async () => {
  const cases = [
    { change: { length: 128 }, message: "length 128 must be at least 129" },
    { change: { haystacks: 0 }, message: "haystacks 0 must be" },
    { change: { questionsPerHaystack: 9 }, message: "questionsPerHaystack 9 must be at most needles (8)" },
  ];
  for (const { change, message } of cases) {
    await assertRejects(() => runNeedleTask(fakeSubject(() => true), { ...task, ...change }), RangeError, message);
  }
});

Deno.test("runNeedleTask refuses a tokenizer that splits words", async () => {
  const subject = { ...fakeSubject(() => true), encode: (text: string) => [...text].map((_, index) => index) };
  await assertRejects(() => runNeedleTask(subject, task), RangeError, "one token a word");
});
