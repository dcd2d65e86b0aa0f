import {
  askNeedle,
  type Haystack,
  makeHaystack,
  type Needle,
  questionTokens,
  smallestHaystack,
} from "./needle_grammar.ts";
import type { NeedleSession, NeedleSubject } from "./needle_session.ts";
import { Random } from "./random.ts";
import type { DemoRow, NeedleAnswer } from "./records.ts";
import { clusteredInterval } from "./statistics.ts";

/** What is asked of which method. */
export interface NeedleTask {
  /** Name of the method, for the record. */
  method: string;
  /** Tokens of a context together with one question and its answer. */
  length: number;
  /** Contexts to read. */
  haystacks: number;
  /** Questions about each, the needles' in order, spread over the depth; at most one per needle. */
  questionsPerHaystack: number;
  /** Needles in each context. Default 8. */
  needles?: number;
  /** The same seed, length and number of needles give the same haystacks, whatever the method. */
  seed: number;
  /** Whether the knobs let the scope pass the trained context, for the record. Default false. */
  allowBeyondTrained?: boolean;
}

/** How far a task has come. */
export interface NeedleProgress {
  /** Number of the haystack, from 0. */
  haystack: number;
  /** What is going on. */
  phase: "reading" | "asking";
  /** Tokens done, of all haystacks and questions. */
  done: number;
  /** Tokens in all. */
  total: number;
}

/** A question just answered, while its session is still there. */
export interface NeedleAnswered<Session> {
  /** Number of the haystack, from 0. */
  haystack: number;
  /** Number of the question about this haystack, from 0. */
  question: number;
  /** The context. */
  context: Haystack;
  /** The needle asked for. */
  needle: Needle;
  /** The answer and whether it is right. */
  answer: NeedleAnswer;
  /** The fork that answered; disposed after the call. */
  session: Session;
}

/** How a task is watched and stopped. */
export interface NeedleRunOptions<Session> {
  /** Called as tokens are read and questions answered. */
  onProgress?: (progress: NeedleProgress) => void;
  /** Called after each answer, and awaited; its time counts as none of the task's. */
  onAnswer?: (answered: NeedleAnswered<Session>) => void | Promise<void>;
  /** Ends the task with the signal's reason. */
  signal?: AbortSignal;
  /** The clock in milliseconds. Default `performance.now`. */
  now?: () => number;
}

/** Adds up the stretches of time between calls. */
class Stopwatch {
  readonly #now: () => number;
  #milliseconds = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get seconds(): number {
    return this.#milliseconds / 1000;
  }

  async time<T>(act: () => Promise<T>): Promise<T> {
    const start = this.#now();
    try {
      return await act();
    } finally {
      this.#milliseconds += this.#now() - start;
    }
  }
}

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

/** Needles to ask for, as far apart as their number allows. */
function asked(needles: readonly Needle[], count: number): Needle[] {
  return Array.from({ length: count }, (_, index) => needles[Math.floor((index * needles.length) / count)]);
}

/** Each word has to be one token, or lengths and places would not be what the record says. */
function encodeWords(subject: Pick<NeedleSubject<never>, "encode">, text: string, words: number): readonly number[] {
  const tokens = subject.encode(text);
  if (tokens.length === words) return tokens;
  throw new RangeError(
    `needle task: ${words} words of the toy grammar became ${tokens.length} tokens; its tokenizer must give one token a word`,
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
  const now = options.now ?? (() => performance.now());
  const run = new NeedleRun(subject, task, options, new Stopwatch(now), new Stopwatch(now));
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

/** One task under way. */
class NeedleRun<Session extends NeedleSession<Session>> {
  readonly answers: NeedleAnswer[] = [];
  readonly reading: Stopwatch;
  readonly asking: Stopwatch;
  scope = 0;
  readonly #subject: NeedleSubject<Session>;
  readonly #task: NeedleTask;
  readonly #options: NeedleRunOptions<Session>;
  #done = 0;

  constructor(
    subject: NeedleSubject<Session>,
    task: NeedleTask,
    options: NeedleRunOptions<Session>,
    reading: Stopwatch,
    asking: Stopwatch,
  ) {
    this.#subject = subject;
    this.#task = task;
    this.#options = options;
    this.reading = reading;
    this.asking = asking;
  }

  async haystack(haystack: number): Promise<void> {
    const { length, needles = 8, questionsPerHaystack, seed } = this.#task;
    const tokens = length - questionTokens;
    const context = makeHaystack({ tokens, needles, random: new Random(seed, length, haystack) });
    using session = this.#subject.createSession();
    await this.#read(session, context, haystack);
    for (const [question, needle] of asked(context.needles, questionsPerHaystack).entries()) {
      using fork = session.fork();
      const answer = await this.#ask(fork, context, needle, haystack);
      await this.#options.onAnswer?.({ haystack, question, context, needle, answer, session: fork });
    }
  }

  async #read(session: Session, context: Haystack, haystack: number): Promise<void> {
    const { signal } = this.#options;
    const tokens = encodeWords(this.#subject, context.text, context.words.length);
    const before = this.#done;
    const onProgress = (done: number) => {
      this.#done = before + done;
      this.#report(haystack, "reading");
    };
    onProgress(0);
    signal?.throwIfAborted();
    await this.reading.time(() => session.append(tokens, { onProgress, signal }));
    this.#done = before + tokens.length;
    this.scope = Math.max(this.scope, session.scope);
  }

  async #ask(session: Session, context: Haystack, needle: Needle, haystack: number): Promise<NeedleAnswer> {
    const { signal } = this.#options;
    const { prompt, answer: expected } = askNeedle(needle);
    const answerTokens = needle.values.length;
    const tokens = encodeWords(this.#subject, prompt, questionTokens - answerTokens);
    signal?.throwIfAborted();
    session.markQuestion();
    const said = await this.asking.time(() => session.generate(tokens, { maxTokens: answerTokens, signal }));
    this.scope = Math.max(this.scope, session.scope);
    const answer = this.#subject.decode(said).trim();
    this.#done += questionTokens;
    this.#report(haystack, "asking");
    const depth = needle.tokenIndex / context.words.length;
    const scored = { haystack, name: needle.name, depth, expected, answer, correct: answer === expected };
    this.answers.push(scored);
    return scored;
  }

  #report(haystack: number, phase: NeedleProgress["phase"]): void {
    const { length, haystacks, questionsPerHaystack } = this.#task;
    const total = haystacks * (length - questionTokens + questionsPerHaystack * questionTokens);
    this.#options.onProgress?.({ haystack, phase, done: this.#done, total });
  }
}
