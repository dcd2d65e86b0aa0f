import { type Knobs, type MethodName, resolveKnobs, type TraceStep } from "../../attention/mod.ts";
import { promptSteps } from "../../model/mod.ts";
import type { TextTokenizer } from "../needle/prose.ts";
import { Stopwatch } from "../stopwatch.ts";
import type { KeptReadings } from "./kept_readings.ts";
import type { ClaimedTrial } from "./ledger.ts";
import type { QuestionOutcome, TrialResult } from "./record.ts";
import type { TaskItem, TaskQuestion } from "./task.ts";
import { sweepTask } from "./tasks.ts";
import { canonicalJson, type Trial } from "./trial.ts";
import type { ReadContext, TrialSession } from "./trial_session.ts";

/** What a trial runs on. */
export interface TrialSubject {
  /** Starts an empty session. */
  createSession(options: { method: MethodName; knobs: Partial<Knobs>; trace: boolean }): TrialSession;
  /** The tokenizer. */
  readonly tokenizer: TextTokenizer;
  /** Counts the memory in use. */
  readonly memory: { readonly peakBytes: number; resetPeak(): void };
  /** Readings of all processes of this machine. Default: none are kept. */
  readonly readings?: KeptReadings;
}

/** How a trial is watched and stopped. */
export interface TrialOptions {
  /** Ends it with the signal's reason. */
  signal?: AbortSignal;
  /** Called with the share done, from 0 to 1. */
  onProgress?: (share: number, phase: "reading" | "asking") => void;
  /** Keeps what the first question selected. */
  trace?: boolean;
  /** The clock in milliseconds. Default `performance.now`. */
  now?: () => number;
}

/** What the first question's first answering step attended to. */
export interface KeptTrace {
  /** Tokens cached then. */
  length: number;
  /** First token of the question. */
  questionStart: number;
  /** The question. */
  prompt: string;
  /** Attended tokens of each layer, rising, by group of heads. */
  layers: { layer: number; groups: KeptGroup[] }[];
}

/** What one group of heads attended to: `indices` rise; `centers` are the picked ones, with their votes. */
export interface KeptGroup {
  /** Attended tokens. */
  indices: number[];
  /** Picked tokens. */
  centers: number[];
  /** Votes of each picked token. */
  votes: number[];
  /** Leading tokens always attended to. */
  globalCount: number;
  /** First token of the window. */
  windowStart: number;
}

/** A context that was read, and what that took. */
interface Reading extends ReadContext {
  readonly prefill: string;
  readonly item: TaskItem;
  /** Whether another process had read it. */
  readonly kept: boolean;
}

/** An answer, and the most tokens that any head attended to for it. */
interface Said {
  readonly said: readonly number[];
  readonly widest: number;
}

/** Reading counts as so much of a trial's progress. */
const READING = 0.7;

/**
 * Runs trials on a model. It keeps the context it read last, for trials that read the same.
 *
 * @example
 * ```ts
 * import { Device, loadModel } from "@reattention/toolkit";
 * import { parseSweepSpec, planSweep, prefillKeyOf, TrialRunner } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const runner = new TrialRunner({
 *   createSession: (options) => model.createSession(options),
 *   tokenizer: model.tokenizer,
 *   memory: device.memory,
 * });
 * const spec = { methods: ["reattention-window"], sweep: { recallClip: [0, 7] }, lengths: [500], seeds: [0] };
 * const { trials } = await planSweep(parseSweepSpec(spec));
 * for (const [index, trial] of trials.entries()) {
 *   const { result } = await runner.run({ trial, prefill: prefillKeyOf(trial) });
 *   assertEquals(result.shared, index > 0);
 * }
 * runner.drop();
 * ```
 */
export class TrialRunner {
  readonly #subject: TrialSubject;
  #reading: Reading | undefined;

  /** A runner that has read nothing. */
  constructor(subject: TrialSubject) {
    this.#subject = subject;
  }

  /** Names the reading at hand, so that trials that share it can come first. */
  get prefill(): string | undefined {
    return this.#reading?.prefill;
  }

  /**
   * Runs a trial: reads its context, unless that was just done, and answers each question by a fork.
   *
   * @throws {RangeError} for knobs that can't be.
   * @throws the signal's reason, and whatever the GPU has to say.
   */
  async run(
    { trial, prefill }: ClaimedTrial,
    options: TrialOptions = {},
  ): Promise<{ result: TrialResult; trace?: KeptTrace }> {
    const knobs = resolveKnobs(trial.knobs);
    const task = sweepTask(trial.task);
    const shared = this.#reading?.prefill === prefill;
    if (!shared) await this.#read(trial, prefill, options);
    const { item, session, seconds, peakBytes, kept } = this.#reading!;
    const own = canonicalJson(this.#reading!.knobs) === canonicalJson(knobs);
    const { memory, tokenizer } = this.#subject;
    memory.resetPeak();
    const asking = new Stopwatch(options.now ?? (() => performance.now()));
    const questions: QuestionOutcome[] = [];
    let scope = session.scope;
    let trace: KeptTrace | undefined;
    for (const [index, question] of item.questions.entries()) {
      options.signal?.throwIfAborted();
      // Methods that hold what they read in a way of their own go on as they are.
      using fork = session.fork(own ? {} : { knobs });
      const { said, widest } = await asking.time(() => this.#answer(fork, question, options.signal));
      scope = Math.max(scope, widest);
      const answer = tokenizer.decode(said).trim();
      const { name, depth = null, expected } = question;
      questions.push({ name, depth, expected, answer, score: task.score(question, answer) });
      if (options.trace && index === 0) trace = keptTrace(await fork.readTrace(), question.prompt, item.tokens.length);
      options.onProgress?.(READING + (1 - READING) * (index + 1) / item.questions.length, "asking");
    }
    const result = {
      metric: task.metric,
      score: questions.reduce((sum, { score }) => sum + score, 0) / Math.max(1, questions.length),
      questions,
      tokens: item.tokens.length,
      readSeconds: seconds,
      shared: shared || kept,
      answerSeconds: asking.seconds,
      tokensPerSecond: item.tokens.length / Math.max(seconds, 1e-9),
      peakBytes: Math.max(peakBytes, memory.peakBytes),
      scope,
    };
    return trace ? { result, trace } : { result };
  }

  /** Gives the context up. */
  drop(): void {
    this.#reading?.session[Symbol.dispose]();
    this.#reading = undefined;
  }

  async #read(trial: Trial, prefill: string, options: TrialOptions): Promise<void> {
    this.drop();
    const { tokenizer, readings } = this.#subject;
    const { length, seed, parameters, knobs } = trial;
    const item = await sweepTask(trial.task).makeItem({ tokenizer, length, seed, parameters });
    options.signal?.throwIfAborted();
    // A step of one row counts as decoding, where what is selected has a part: no other trial can go on from there.
    const alone = promptSteps(item.tokens.length, 0, knobs).some(({ rows, first }) => rows === 1 && !first);
    const read = () => this.#readTokens(trial, item.tokens, options);
    const context = readings && !alone
      ? await readings.obtain(trial, options.trace ?? false, read)
      : { ...await read(), kept: false };
    this.#reading = { ...context, prefill: alone ? trial.id : prefill, item };
  }

  async #readTokens(
    { method, knobs }: Trial,
    tokens: readonly number[],
    { signal, onProgress, trace = false, now = () => performance.now() }: TrialOptions,
  ): Promise<ReadContext> {
    const { createSession, memory } = this.#subject;
    memory.resetPeak();
    const session = createSession({ method, knobs, trace });
    try {
      const reading = new Stopwatch(now);
      await reading.time(() =>
        session.append(tokens, {
          signal,
          onProgress: (done, total) => onProgress?.(READING * done / total, "reading"),
        })
      );
      return { session, seconds: reading.seconds, peakBytes: memory.peakBytes, knobs };
    } catch (error) {
      session[Symbol.dispose]();
      throw error;
    }
  }

  async #answer(
    session: TrialSession,
    { prompt, maxTokens, read }: TaskQuestion,
    signal?: AbortSignal,
  ): Promise<Said> {
    const tokens = this.#subject.tokenizer.encode(prompt, { addSpecialTokens: false });
    if (read) return await toldWhileReading(session, tokens, maxTokens, signal);
    session.markQuestion();
    const said = await session.generate(tokens, { maxTokens, signal });
    return { said, widest: session.scope };
  }
}

/**
 * An answer's tokens, each the likeliest after the prompt and those before it, all read as text. What is read anew for each
 * token ends with it, so that no later token has a say in what is selected for it.
 */
async function toldWhileReading(
  session: TrialSession,
  prompt: readonly number[],
  maxTokens: number,
  signal: AbortSignal | undefined,
): Promise<Said> {
  const told: number[] = [];
  let widest = 0;
  while (told.length < maxTokens) {
    signal?.throwIfAborted();
    using fork = session.fork();
    const text = [...prompt, ...told];
    const logits = await fork.logits(text, { signal });
    const row = logits.subarray(logits.length - logits.length / text.length);
    told.push(row.reduce((best, logit, index) => logit > row[best] ? index : best, 0));
    widest = Math.max(widest, fork.scope);
  }
  return { said: told, widest };
}

/** The question's last token is the first step of one token: it writes the answer's first. */
function keptTrace(steps: readonly TraceStep[], prompt: string, questionStart: number): KeptTrace | undefined {
  const step = steps.find(({ rows }) => rows === 1);
  if (!step) return undefined;
  const layers = step.layers.map(({ layer, groups }) => ({
    layer,
    groups: groups.map(({ indices, centers, votes, globalCount, windowStart }) => ({
      indices: [...indices],
      centers: [...centers],
      votes: [...votes],
      globalCount,
      windowStart,
    })),
  }));
  return { length: step.length, questionStart, prompt: prompt.trim(), layers };
}
