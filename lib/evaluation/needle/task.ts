import { showAs } from "../../notebook/mod.ts";
import type { DemoRow, NeedleAnswer } from "../records.ts";
import { clusteredInterval } from "../statistics.ts";
import type { NeedleRunOptions, NeedleTask } from "./options.ts";
import { questionRoom } from "./context.ts";
import { NeedleRun, plainAsk } from "./run.ts";
import type { NeedleSession, NeedleSubject } from "./session.ts";
import { showRows } from "./show_rows.ts";

function checkTask({ length, haystacks, needles = 4, questionsPerNeedle = 1 }: NeedleTask): void {
  const counts = { length, haystacks, needles, questionsPerNeedle };
  for (const [name, value] of Object.entries(counts)) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new RangeError(`needle task: ${name} ${value} must be a whole number of at least 1`);
  }
  if (length > questionRoom) return;
  throw new RangeError(`needle task: length ${length} must be more than ${questionRoom}, the room for a question`);
}

/**
 * Hides needles in haystacks and asks for them: each haystack is read once, and each question answered by a fork of that
 * session. An answer counts where it is exactly right. Contexts longer than 1,024 tokens hold no needle in their first
 * and last 512 (their first and last quarter, up to 2,048), so that neither leading tokens nor a window reach one.
 *
 * The haystack, not the question, is the unit of evidence: the interval is clustered by haystack, and exact over
 * haystacks where all answers agree.
 *
 * With all needles in one context, an answer that names any of their values at random is right once in as many times as
 * there are needles; one of made-up numbers practically never.
 *
 * @param subject the model, and the method in `createSession`
 * @returns a row for each way of asking
 * @throws {RangeError} for counts that can't be.
 * @throws the signal's reason once it is aborted.
 *
 * @example
 * ```ts
 * import { Device, loadModel } from "@reattention/toolkit";
 * import { runNeedleTask } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const [row] = await runNeedleTask({
 *   createSession: () => model.createSession({ method: "full" }),
 *   tokenizer: model.tokenizer,
 *   memory: device.memory,
 * }, { method: "full", length: 512, haystacks: 2, seed: 1 });
 * assertEquals([row.exact, row.questions], [1, 8]);
 * ```
 */
export async function runNeedleTask<Session extends NeedleSession<Session>>(
  subject: NeedleSubject<Session>,
  task: NeedleTask,
  options: NeedleRunOptions<Session> = {},
): Promise<DemoRow[]> {
  checkTask(task);
  const run = new NeedleRun(subject, task, options);
  subject.memory.resetPeak();
  const read: number[] = [];
  for (const haystack of haystacksOf(task, options.only)) {
    if (read.length > 0 && options.enough?.()) break;
    await run.haystack(haystack);
    read.push(haystack);
  }
  const { method, length, needles = 4, seed, asks = [plainAsk] } = task;
  const rows = asks.map(({ wording, opening }, way): DemoRow => ({
    method,
    length,
    haystacks: read.length,
    ...score(run.answers[way], read),
    scope: run.scope,
    seconds: run.reading.seconds + run.asking.seconds,
    tokensPerSecond: read.length * (length - questionRoom) / Math.max(run.reading.seconds, 1e-9),
    peakBytes: subject.memory.peakBytes,
    needlesPerContext: needles,
    variant: task.variant ?? "plain",
    wording,
    opening,
    seed,
    allowBeyondTrained: task.allowBeyondTrained ?? false,
    answers: run.answers[way],
  }));
  return showAs(rows, "needles", () => showRows(rows));
}

function haystacksOf({ haystacks }: NeedleTask, only: readonly number[] | undefined): readonly number[] {
  const none = only?.find((haystack) => !Number.isInteger(haystack) || haystack < 0 || haystack >= haystacks);
  if (none !== undefined) throw new RangeError(`needle task: there is no haystack ${none}, only 0 to ${haystacks - 1}`);
  if (only?.length === 0) throw new RangeError("needle task: only must name at least one haystack");
  return only ?? Array.from({ length: haystacks }, (_, haystack) => haystack);
}

function score(answers: readonly NeedleAnswer[], haystacks: readonly number[]) {
  const perHaystack = haystacks.map((haystack) => {
    const here = answers.filter((answer) => answer.haystack === haystack);
    return { correct: here.filter(({ correct }) => correct).length, total: here.length };
  });
  return {
    questions: answers.length,
    exact: answers.filter(({ correct }) => correct).length / answers.length,
    ...clusteredInterval(perHaystack, { agreeing: "haystack" }),
  };
}
