import { questionTokens, smallestHaystack } from "./needle_grammar.ts";
import type { NeedleRunOptions, NeedleTask } from "./needle_options.ts";
import { NeedleRun } from "./needle_run.ts";
import type { NeedleSession, NeedleSubject } from "./needle_session.ts";
import type { DemoRow } from "./records.ts";
import { clusteredInterval } from "./statistics.ts";

function checkTask({ length, haystacks, questionsPerHaystack, needles = 8 }: NeedleTask): void {
  const counts = { length, haystacks, questionsPerHaystack, needles };
  for (const [name, value] of Object.entries(counts)) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new RangeError(`needle task: ${name} ${value} must be a whole number of at least 1`);
  }
  if (questionsPerHaystack > needles) {
    throw new RangeError(
      `needle task: questionsPerHaystack ${questionsPerHaystack} must be at most needles (${needles})`,
    );
  }
  const least = smallestHaystack(needles) + questionTokens;
  if (length >= least) return;
  throw new RangeError(
    `needle task: length ${length} must be at least ${least} to hold ${needles} needles, a question and its answer`,
  );
}

/**
 * Hides needles in haystacks and asks for them: each haystack is read once, and each question answered by a fork of that
 * session. An answer counts where it is exactly right.
 *
 * With one context per haystack and all needles at once, an answer that names any of the needles' codes at random is
 * right once in as many times as there are needles; one of made-up numbers practically never.
 *
 * @param subject the model, and the method in `createSession`
 * @throws {RangeError} for counts that can't be, or a tokenizer that splits the grammar's words.
 * @throws the signal's reason once it is aborted.
 *
 * @example A subject that has learned one answer
 * ```ts
 * import { runNeedleTask } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * class Parrot {
 *   scope = 1;
 *   async append() {}
 *   markQuestion() {}
 *   fork() {
 *     return this;
 *   }
 *   generate() {
 *     return Promise.resolve([0]);
 *   }
 *   [Symbol.dispose]() {}
 * }
 * const row = await runNeedleTask({
 *   createSession: () => new Parrot(),
 *   encode: (text) => text.split(" ").map(() => 0),
 *   decode: () => "482 913",
 *   memory: { peakBytes: 0, resetPeak() {} },
 * }, { method: "parrot", length: 512, haystacks: 1, questionsPerHaystack: 8, seed: 1 });
 * assertEquals([row.exact, row.questions], [0, 8]);
 * ```
 */
export async function runNeedleTask<Session extends NeedleSession<Session>>(
  subject: NeedleSubject<Session>,
  task: NeedleTask,
  options: NeedleRunOptions<Session> = {},
): Promise<DemoRow> {
  checkTask(task);
  const { length, haystacks, questionsPerHaystack, needles = 8, seed } = task;
  const run = new NeedleRun(subject, task, options);
  subject.memory.resetPeak();
  for (let haystack = 0; haystack < haystacks; haystack++) await run.haystack(haystack);
  const { answers } = run;
  const perHaystack = Array.from({ length: haystacks }, (_, haystack) => ({
    correct: answers.filter((answer) => answer.haystack === haystack && answer.correct).length,
    total: questionsPerHaystack,
  }));
  return {
    method: task.method,
    length,
    haystacks,
    questions: answers.length,
    exact: answers.filter((answer) => answer.correct).length / answers.length,
    ...clusteredInterval(perHaystack),
    scope: run.scope,
    seconds: run.reading.seconds + run.asking.seconds,
    tokensPerSecond: haystacks * (length - questionTokens) / Math.max(run.reading.seconds, 1e-9),
    peakBytes: subject.memory.peakBytes,
    needlesPerContext: needles,
    seed,
    allowBeyondTrained: task.allowBeyondTrained ?? false,
    answers,
  };
}
