import { assert, assertEquals, assertRejects } from "@std/assert";
import { clusteredInterval, type NeedleProgress, parseDemoRow, runNeedleTask } from "../../../lib/evaluation/mod.ts";
import { FakeSession, fakeSubject, vocabulary } from "./fake_session.ts";

const task = { method: "full", length: 512, haystacks: 2, seed: 1 };
/** Tokens of a context of 512. */
const context = 448;

Deno.test("runNeedleTask scores a subject that finds every needle", async () => {
  const subject = fakeSubject(() => true);
  const [row] = await runNeedleTask(subject, task);
  assertEquals([row.exact, row.questions, row.haystacks, row.length, row.method], [1, 8, 2, 512, "full"]);
  const scores = [{ correct: 4, total: 4 }, { correct: 4, total: 4 }];
  assertEquals({ low: row.low, high: row.high }, clusteredInterval(scores, { agreeing: "haystack" }));
  assertEquals([row.scope, row.peakBytes, row.needlesPerContext, row.allowBeyondTrained], [450, 1000, 4, false]);
  assertEquals([row.variant, row.wording, row.opening], ["plain", "plain", true]);
  assertEquals(parseDemoRow(JSON.parse(JSON.stringify(row))), row);
});

Deno.test("runNeedleTask counts what is not exactly right as wrong", async () => {
  const early = (name: string) => name < "H";
  const [{ answers, exact }] = await runNeedleTask(fakeSubject(early), { ...task, haystacks: 4 });
  const right = answers.filter(({ name }) => early(name)).length;
  assert(right > 0 && right < 16, `this seed has ${right} early names of 16`);
  assertEquals(exact, right / 16);
  for (const { name, correct, answer, expected } of answers) {
    assertEquals(correct, early(name));
    assertEquals(answer, early(name) ? expected : "Question:");
  }
});

Deno.test("runNeedleTask reads each haystack once, asks from forks, and gives everything back", async () => {
  const subject = fakeSubject(() => true);
  await runNeedleTask(subject, { ...task, needles: 2, questionsPerNeedle: 2 });
  const asked = ["fork", `question at ${context}`];
  const haystack = [`append ${context}`, ...asked, ...asked, ...asked, ...asked];
  assertEquals(subject.calls, ["reset peak", ...haystack, ...haystack]);
  assertEquals(FakeSession.live, 0);
});

Deno.test("runNeedleTask of some haystacks answers what the whole task answers about them", async () => {
  const early = (name: string) => name < "M";
  const four = { ...task, haystacks: 4 };
  const [whole] = await runNeedleTask(fakeSubject(early), four);
  const parts = await Promise.all([[0], [1, 2], [3]].map((only) => runNeedleTask(fakeSubject(early), four, { only })));
  assertEquals(parts.flatMap(([{ answers }]) => answers), whole.answers);
  assertEquals(parts.map(([{ haystacks, questions }]) => [haystacks, questions]), [[1, 4], [2, 8], [1, 4]]);
  for (const only of [[4], [-1], [0.5]]) {
    await assertRejects(() => runNeedleTask(fakeSubject(early), four, { only }), RangeError, "only 0 to 3");
  }
  await assertRejects(() => runNeedleTask(fakeSubject(early), four, { only: [] }), RangeError, "at least one");
});

Deno.test("runNeedleTask gives a row for each way of asking, from one reading", async () => {
  const subject = fakeSubject(() => true);
  const asks = [{ wording: "varied", opening: true }, { wording: "unseen", opening: false }] as const;
  const rows = await runNeedleTask(subject, { ...task, haystacks: 1, questionsPerNeedle: 3, asks });
  assertEquals(rows.map(({ wording, opening, questions, exact }) => [wording, opening, questions, exact]), [
    ["varied", true, 12, 1],
    ["unseen", false, 12, 1],
  ]);
  assertEquals(subject.calls.filter((call) => call.startsWith("append")).length, 1);
});

Deno.test("runNeedleTask hides needles out of reach of leading tokens and window", async () => {
  const seen: number[] = [];
  const onAnswer = ({ needle }: { needle: { tokenIndex: number } }) => void seen.push(needle.tokenIndex);
  await runNeedleTask(fakeSubject(() => true), { ...task, length: 4096 }, { onAnswer });
  assert(seen.every((index) => index >= 512 && index < 4096 - 64 - 512), `needles at ${seen}`);
});

Deno.test("runNeedleTask asks every method the same", async () => {
  const [one] = await runNeedleTask(fakeSubject(() => true), task);
  const [other] = await runNeedleTask(fakeSubject(() => false), task);
  const asked = (row: typeof one) => row.answers.map(({ name, expected, depth }) => ({ name, expected, depth }));
  assertEquals(asked(one), asked(other));
  const [seeded] = await runNeedleTask(fakeSubject(() => true), { ...task, seed: 2 });
  assert(JSON.stringify(asked(seeded)) !== JSON.stringify(asked(one)));
});

Deno.test("runNeedleTask takes reading and asking as its time, by the clock it is given", async () => {
  let clock = 0;
  const subject = fakeSubject(() => true);
  const [row] = await runNeedleTask(subject, task, {
    now: () => clock += 250,
    onAnswer: () => {
      clock += 1e6;
    },
  });
  // Two readings and eight answers, a quarter of a second each.
  assertEquals(row.seconds, 2.5);
  assertEquals(row.tokensPerSecond, 2 * context / 0.5);
});

Deno.test("runNeedleTask reports progress that rises to its end", async () => {
  const seen: NeedleProgress[] = [];
  await runNeedleTask(fakeSubject(() => true), task, { onProgress: (progress) => seen.push({ ...progress }) });
  const total = 2 * (context + 4 * 64);
  assert(seen.every((progress) => progress.total === total));
  for (let i = 1; i < seen.length; i++) assert(seen[i].done >= seen[i - 1].done);
  assertEquals(seen.at(-1), { haystack: 1, phase: "asking", done: total, total });
});

Deno.test("runNeedleTask hands over the fork that answered", async () => {
  const lengths: number[] = [];
  await runNeedleTask(fakeSubject(() => true), { ...task, haystacks: 1 }, {
    onAnswer: ({ session, needle, prompt, context, answer }) => {
      lengths.push(session.tokens.length);
      const { tokenIndex, tokenCount } = needle;
      const sentence = vocabulary.decode(context.tokens.slice(tokenIndex, tokenIndex + tokenCount));
      assert(sentence.includes(answer.name) && prompt.includes(answer.name));
    },
  });
  assertEquals(lengths, new Array(4).fill(context));
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
    { change: { length: 64 }, message: "length 64 must be more than 64" },
    { change: { length: 100 }, message: "tokens 36 must be a whole number of at least" },
    { change: { haystacks: 0 }, message: "haystacks 0 must be" },
    { change: { questionsPerNeedle: 0.5 }, message: "questionsPerNeedle 0.5 must be" },
    { change: { needles: 0 }, message: "needles 0 must be" },
  ];
  for (const { change, message } of cases) {
    await assertRejects(() => runNeedleTask(fakeSubject(() => true), { ...task, ...change }), RangeError, message);
  }
});
