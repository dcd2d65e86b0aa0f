import type { Question } from "../question.ts";
import { type FitOptions, fitPrompt, type FittedPrompt, type PromptTokenizer } from "./fit_prompt.ts";
import { type PredictionRow, predictionRow } from "./prediction_row.ts";

/** What a run needs of a session; sessions of `lib/model` have it. */
export interface RunSession<Self> {
  /** Most tokens that any head attended to in any step so far. */
  readonly scope: number;
  /** Reads tokens into the cache. */
  append(
    tokens: readonly number[],
    options?: { onProgress?: (done: number) => void; signal?: AbortSignal },
  ): Promise<void>;
  /** A session over the same context that goes its own way. */
  fork(): Self;
  /** Says that the question starts here. */
  markQuestion(): void;
  /** Continues a prompt, handing over tokens in batches. */
  stream(
    prompt: readonly number[],
    options: { maxTokens: number; signal?: AbortSignal },
  ): AsyncGenerator<number[], void, void>;
  /** Gives its memory back. */
  [Symbol.dispose](): void;
}

/** What questions are put to: a model on a device, with a method chosen. */
export interface RunSubject<Session extends RunSession<Session>> {
  /** Starts an empty session with the method under test. */
  createSession(): Session;
  /** The model's tokenizer. */
  readonly tokenizer: PromptTokenizer;
  /** Name in the official prediction files. */
  readonly name: string;
  /** Whether the method reads the document otherwise than the question, so that it has to know where that starts. */
  readonly readsQuestionApart: boolean;
}

/** Where answers go; other processes may write into it too. */
export interface AnswerRecord {
  /** Takes those of the questions that have no answer yet and that nobody else is at. */
  claim(ids: readonly string[]): readonly string[];
  /** Keeps an answer to a question that was taken. */
  append(row: PredictionRow): void | Promise<void>;
  /** Keeps why a question that was taken got no answer. */
  fail(id: string, message: string): void | Promise<void>;
  /** Gives questions back that were taken and not ended. */
  release(ids: readonly string[]): void;
}

/** A question that got no answer. */
export interface FailedQuestion {
  /** The question. */
  readonly question: Question;
  /** What happened. */
  readonly message: string;
}

/** How a run is watched and stopped. */
export interface RunOptions extends FitOptions {
  /** Called before a question that is asked. */
  readonly onQuestion?: (question: Question) => void;
  /** Called as a prompt is read: tokens done and in all. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called with each row that was kept. */
  readonly onAnswer?: (question: Question, row: PredictionRow) => void;
  /** Called where a question can't be answered: past memory, or past what the method may attend to. The run goes on. */
  readonly onFailure?: (failed: FailedQuestion) => void;
  /** Ends the run with the signal's reason. */
  readonly signal?: AbortSignal;
  /** The clock in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

/** Errors that one question's size causes, not the machine: the others can still be answered. */
function isOwnFault(error: unknown): error is Error {
  return error instanceof RangeError || (error instanceof Error && error.name === "MemoryBudgetError");
}

/** Questions of one context stand together; each other one by itself. */
function groupsOf(questions: readonly Question[]): Question[][] {
  const groups = new Map<string, Question[]>();
  for (const [index, question] of questions.entries()) {
    const key = question.context ? `context ${question.context.key}` : `question ${index}`;
    groups.set(key, [...groups.get(key) ?? [], question]);
  }
  return [...groups.values()];
}

/**
 * Puts questions to a model one after another and keeps each answer before it asks the next; what the record has, or another
 * process is at, is not asked. Questions about one context share its reading: each is answered by a fork.
 *
 * @returns how many questions were asked
 * @throws the signal's reason once it is aborted, and whatever is no fault of a single question.
 *
 * @example
 * ```ts
 * import { Device, loadModel } from "@reattention/toolkit";
 * import { makeRetrieval, type PredictionRow, runQuestions } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const { tokenizer } = model;
 * const { questions } = makeRetrieval("passkey", { tokenizer, length: 400, count: 2, seed: 1 });
 * const createSession = () => model.createSession({ method: "full" });
 * const rows: PredictionRow[] = [];
 * const record = { claim: (ids: readonly string[]) => ids, append: (row: PredictionRow) => void rows.push(row) };
 * const subject = { createSession, tokenizer, name: "demo", readsQuestionApart: false };
 * const asked = await runQuestions(subject, questions, { ...record, fail() {}, release() {} }, { mostTokens: 512 });
 * assertEquals([asked, rows.map(({ question }) => question)], [2, questions.map(({ id }) => id)]);
 * ```
 */
export async function runQuestions<Session extends RunSession<Session>>(
  subject: RunSubject<Session>,
  questions: readonly Question[],
  record: AnswerRecord,
  options: RunOptions,
): Promise<number> {
  const run = new QuestionRun(subject, record, options);
  let asked = 0;
  for (const group of groupsOf(questions)) {
    options.signal?.throwIfAborted();
    const taken = new Set(record.claim(group.map(({ id }) => id)));
    if (taken.size === 0) continue;
    try {
      await run.group(group.filter(({ id }) => taken.has(id)));
    } finally {
      // What ended is not in hand any more.
      record.release([...taken]);
    }
    asked += taken.size;
  }
  return asked;
}

class QuestionRun<Session extends RunSession<Session>> {
  readonly #subject: RunSubject<Session>;
  readonly #record: AnswerRecord;
  readonly #options: RunOptions;
  readonly #now: () => number;

  constructor(subject: RunSubject<Session>, record: AnswerRecord, options: RunOptions) {
    this.#subject = subject;
    this.#record = record;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  async group(questions: readonly Question[]): Promise<void> {
    const { context } = questions[0];
    if (!context) {
      for (const question of questions) await this.#attempt(question, () => this.#answerAlone(question));
      return;
    }
    const { signal, onProgress } = this.#options;
    signal?.throwIfAborted();
    let session: Session | undefined;
    try {
      session = this.#subject.createSession();
      const { length } = context.tokens;
      await session.append(context.tokens, { signal, onProgress: (done) => onProgress?.(done, length) });
      for (const question of questions) {
        await this.#attempt(question, () => this.#answerFork(question, session!, length));
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!isOwnFault(error)) throw error;
      for (const question of questions) await this.#fail(question, error);
    } finally {
      session?.[Symbol.dispose]();
    }
  }

  async #attempt(question: Question, answer: () => Promise<PredictionRow>): Promise<void> {
    const { signal, onQuestion, onAnswer } = this.#options;
    signal?.throwIfAborted();
    onQuestion?.(question);
    try {
      const row = await answer();
      await this.#record.append(row);
      onAnswer?.(question, row);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isOwnFault(error)) throw error;
      await this.#fail(question, error);
    }
  }

  async #fail(question: Question, { message }: Error): Promise<void> {
    await this.#record.fail(question.id, message);
    this.#options.onFailure?.({ question, message });
  }

  async #answerFork(question: Question, session: Session, read: number): Promise<PredictionRow> {
    const start = this.#now();
    using fork = session.fork();
    fork.markQuestion();
    const prompt = this.#subject.tokenizer.encode(question.prompt, { addSpecialTokens: false });
    const answer = await this.#write(fork, prompt, question);
    return predictionRow(question, answer, this.#subject.name, {
      tokens: read + prompt.length,
      shortened: false,
      seconds: (this.#now() - start) / 1000,
      scope: fork.scope,
    });
  }

  async #answerAlone(question: Question): Promise<PredictionRow> {
    const start = this.#now();
    const { tokenizer, name } = this.#subject;
    const fitted = fitPrompt(question, tokenizer, this.#options);
    let { text: answer, scope } = await this.#readAndWrite(fitted, question);
    if (question.second !== undefined) {
      const tokens = tokenizer.encode(question.second);
      const second = { tokens, questionTokens: tokens.length, shortened: false, chat: false };
      const { text } = await this.#readAndWrite(second, question);
      answer += ` [fact: ${text}]`;
    }
    const seconds = (this.#now() - start) / 1000;
    return predictionRow(question, answer, name, {
      tokens: fitted.tokens.length,
      shortened: fitted.shortened,
      seconds,
      scope,
    });
  }

  async #readAndWrite({ tokens, questionTokens }: FittedPrompt, question: Question) {
    const { signal, onProgress } = this.#options;
    using session = this.#subject.createSession();
    // Read in one go the last token alone is left for the answer's first step, as if all had been given to it.
    const apart = this.#subject.readsQuestionApart ? questionTokens : 1;
    const document = tokens.slice(0, tokens.length - apart);
    if (document.length > 0) {
      await session.append(document, { signal, onProgress: (done) => onProgress?.(done, tokens.length) });
    }
    session.markQuestion();
    const text = await this.#write(session, tokens.slice(document.length), question);
    return { text, scope: session.scope };
  }

  async #write(session: Session, prompt: readonly number[], { maxTokens, oneLine }: Question): Promise<string> {
    const { tokenizer } = this.#subject;
    const written: number[] = [];
    for await (const batch of session.stream(prompt, { maxTokens, signal: this.#options.signal })) {
      written.push(...batch);
      if (oneLine && lineEndAfterFirst(written, tokenizer) !== undefined) break;
    }
    const end = oneLine ? lineEndAfterFirst(written, tokenizer) : undefined;
    return tokenizer.decode(written.slice(0, end), { skipSpecialTokens: true });
  }
}

/** Place of the first token after the first that is a line's end. */
function lineEndAfterFirst(tokens: readonly number[], tokenizer: PromptTokenizer): number | undefined {
  const place = tokens.findIndex((token, index) => index > 0 && tokenizer.decode([token]) === "\n");
  return place < 0 ? undefined : place;
}
